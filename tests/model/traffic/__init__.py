"""A small model of TCP, UDP and of those who listen to them: captures whose right answers are known, because the model made both.

A member of a kind is made from one seed and is the same each time. Nothing here imports pcapdig, so that truth never comes from it.

    frames.py      bytes: link layers, IP, TCP, UDP, ICMP, GRE
    files.py       pcap and pcapng
    world.py       simulated time; what each packet did on its way (Passage)
    endpoint.py    one end of a TCP connection: it accepts and refuses as RFC 9293 and RFC 5961 say
    sending.py     what an end sends: cuts, retransmissions, probes
    connection.py  two ends, the way between them, and what they say to each other
    dialogues.py   what is said: HTTP, Redis, DNS, and a protocol without rules
    strangers.py   segments that no receiver accepts: late ones, forged ones
    taps.py        who listens where, with which clock, and what is lost there
    truth.py       what is right, from what a tap saw
    kinds/         random members of each kind
Callers: the tests beside this package, and seeds.py there for long runs.
"""

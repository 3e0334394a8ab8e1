"""Who owned this end of this packet at that moment.

Pure: events and packet headers in, owners with evidence out; time is an argument. No file, socket, clock or process table is touched.
`_ledger.pyx` keeps the ownership timelines (the two lanes of probe/events.h) by socket, and finds the socket of a packet's end by
(protocol, netns, local address and port, remote address and port) and time. `Ledger` is the Python face that tests speak to.
Callers: record/. A guess is never given: no owner is an answer.
"""

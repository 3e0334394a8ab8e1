"""Where packets come from: libpcap.

In: interface names, snap length, ring size in bytes, a BPF expression. Out: activated captures that the record loop reads natively
(`_pcap.pyx`), and what is known of each interface (`Interface`: name, link type, MAC, addresses, speed) from pyroute2.
Callers: record/. Must not know processes or files.
"""

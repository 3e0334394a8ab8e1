"""Credentials in what two ends said to each other, for the chisel `plaintext`. One file a family of protocols.

    Credential(protocol, method, user, secret)          # credential.py
    Conversation().hear(by_client, message: bytes) -> Iterator[Credential]      # conversation.py; one a TCP connection, messages in order
    class Ear(Protocol): hear(by_client, message) -> Iterable[Credential]       # http.py mail.py ldap.py redis.py mysql.py postgres.py
Protocols are known by what is said, not by ports. Any bytes are allowed: what is cut, wrong or hostile is passed over. Must not know
flows, processes, rows or output.
"""

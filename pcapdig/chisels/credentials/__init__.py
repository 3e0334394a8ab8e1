"""Credentials in what two ends said to each other, for the chisel `plaintext`: what is a secret in the records of protocols/.

    Credential(protocol, method, user, secret)                      # credential.py
    begin(opening) -> Dialogue | None                               # recognition.py: a dialogue whose records may hold credentials
    credentials_of(record) -> Iterator[Credential]                  # recognition.py; http.py and forms.py read requests
Protocols are known by what is said, not by ports. Any bytes are allowed: what is cut, wrong or hostile is passed over. Must not know
flows, processes, rows or output.
"""

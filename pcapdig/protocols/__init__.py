"""What the messages of a connection say: requests and answers of application protocols.

In: the messages of one flow in their order, as bytes with a moment and gaps (`Turn`). Out: frozen records, one a request with its
answer, or without where none came. Pure: no file, clock, column or text output; whose message it was is carried through untouched.
Callers: chisels. Upstream: nothing but errors; dpkt names TLS ciphers, brotli and zstandard are asked for only when a body needs them.

    conversation.py  Turn(data, from_client, moment, gaps), Moment(time_ns, number, seen): when, and opaque to this room by whom
                     Dialogue.feed(turn) -> list of records, .end() -> those still open; .is_over: nothing more will come of this flow
                     Record.asked, .answered: Moment | None; .latency_ns
    inbox.py         Inbox: one direction's bytes, read by coroutines (`yield from inbox.exactly(4)`) that wait for more
    http.py          HttpDialogue -> HttpCall(request, response); HttpBodies -> HttpPiece(data ...), bodies of any size piece by piece;
                     http.starts(data): an HTTP/1 message begins here; http_messages.py, _http_heads.pyx: heads, and how bodies end;
                     http_head_readers.py, http_body_readers.py read them; _http_whole.pyx: turns that are one whole message
    bodies.py        Body: size as sent, bytes kept, .content() without gzip, deflate, brotli, zstd; Decoder: the same piece by piece
    multipart.py     Multipart(boundary).feed(data) -> pieces of the parts of a form; file_types.py: types by first bytes, file names
    dns.py           DnsDialogue(is_stream=) -> DnsCall(query, answer); dns_transfers.py: Transfer, of many messages; dns_records.py reads a message,
                     dns_names.py, dns_rdata.py, dns_svcb.py, dns_options.py, dns_types.py what is in it; _dns_question.pyx: plain questions
    redis.py         RedisDialogue -> RedisCall(command, reply); redis.starts(data), .starts_inline(data); redis_modes.py: what is no reply
    memcached.py     MemcachedDialogue -> MemcachedCall(command, keys, values ...); memcached_binary.py: MemcachedBinaryDialogue;
                     memcached_datagrams.py: MemcachedDatagrams, either of them over UDP
    sql.py           SqlCall(product, command, statement, parameters, user, answer, secret ...): rows, affected, error of either product
    mysql.py         MysqlDialogue -> SqlCall; mysql.begin, .starts(data, from_client); mysql_logins.py, mysql_answers.py, mysql_packets.py;
                     mysql_compression.py: Unpacker, the frames below packets
    postgres.py      PostgresDialogue -> SqlCall; postgres_messages.said_by_client(data); postgres_requests.py, postgres_values.py
    remembered.py    Remembered: what a connection has named, bounded in number and bytes
    states.py        State: what one message opens, and all that closes it; state_listing.py makes docs/protocol-states.md of them
    login.py         Login(protocol, method, user, secret): of MailDialogue (FTP, POP3, IMAP, SMTP, NNTP), LdapDialogue, TelnetDialogue; sasl.py
    tls.py           TlsDialogue -> Handshake(client, server, certificate names ...); tls.starts(data); tls_hellos.py, ja4.py, certificates.py

Any bytes are allowed. What does not read as the protocol, and bytes that were not captured where they are needed, lose the place:
reading begins anew after the next gap, if a message surely begins there, else with the next turn of that direction. Where answers were
lost, what was open is handed out without one; a record that is known in part is handed out so (`is_cut`). No record holds
more than the limits its module names, each loop consumes bytes, so time and memory are bounded by the input.

A moment is that of the first packet of the turn in which a request or answer begins: of several pipelined in one turn it is the same.
"""

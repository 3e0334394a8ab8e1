"""Options of programs that take a secret but do not say so by their names, as their manual pages have them.

A program with the same options is another word in a line of PROGRAMS.
"""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    """Options of a program that take a secret but do not say so."""

    next_or_joined: str = ""
    """Letters: `-p SECRET` and `-pSECRET`."""
    joined: str = ""
    """Letters: `-pSECRET` only; `-p` alone asks."""
    flags: str = ""
    """Letters of options without a value, which may stand before such a letter in one word."""
    words: tuple[str, ...] = ()
    """Whole words whose next word is the secret."""
    part_after: str = ""
    """The secret is what follows the first of these in the value: the `:` of `user:password`."""
    parts: tuple[str, ...] = ()
    """Words and letters (`-u`) whose value has such a part; those above are wholly secret."""
    needs: tuple[str, ...] = ()
    """All of this only after one of these words (`docker login`); places are counted from there."""
    not_secret: tuple[str, ...] = ()
    """Options whose names say secret but whose next word is none: `--password` that asks, `docker build --secret id=x`."""
    runs_another: bool = False
    """What is no option is another program's command line."""
    positions: tuple[int, ...] = ()
    """Places among the words that are no options: `wpa_passphrase SSID SECRET`."""


_MYSQL = Program(joined="p", flags="ABbCcEfGgHiJLNnoqrstTvVwWX", not_secret=("--password",))
_POSTGRES = Program(not_secret=("--password",))
_LDAP = Program(next_or_joined="w", flags="AcCFILMnNQtTuvVxWZ")
_SMB = Program(part_after="%", parts=("-U", "--user"))
_LOGIN = Program(next_or_joined="p", needs=("login",), part_after=":", parts=("--creds", "--src-creds", "--dest-creds"))
_CONTAINERS = _LOGIN._replace(not_secret=("--secret",))
_SQL_SERVER = Program(next_or_joined="P")
_MONGO = Program(next_or_joined="p")
_SNMP = Program(next_or_joined="cAX")
_ARCHIVE = Program(joined="p")
_ORACLE = Program(part_after="/", positions=(0,))
_KEYTOOL = Program(words=("-storepass", "-keypass", "-srcstorepass", "-deststorepass", "-srckeypass", "-destkeypass"))
_CURL = Program(
    flags="0123456afgGiIjklLMnNpqRsSvV#OJZ",
    words=("--oauth2-bearer",),
    part_after=":",
    parts=("-u", "--user", "-U", "--proxy-user", "-E", "--cert", "--proxy-cert"),
)

PROGRAMS: dict[str, Program] = {
    **dict.fromkeys(
        "mysql mysqldump mysqladmin mysqlcheck mysqlimport mysqlshow mysqlslap mysqlbinlog mysqlpump mysqlsh mysql_upgrade mysql_config_editor "
        "mariadb mariadb-dump mariadb-admin mariadb-check mariadb-import mariadb-show mariadb-slap mariadb-binlog mariadb-upgrade "
        "mysqltest mysqlhotcopy mytop".split(),
        _MYSQL,
    ),
    **dict.fromkeys(
        "mycli mydumper myloader innotop xtrabackup mariabackup pt-query-digest pt-table-checksum".split(), _MONGO
    ),
    **dict.fromkeys(
        "psql pg_dump pg_dumpall pg_restore createdb dropdb createuser pgbench vacuumdb reindexdb clusterdb pg_basebackup".split(),
        _POSTGRES,
    ),
    **dict.fromkeys(
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop ldapvi".split(), _LDAP
    ),
    "ldappasswd": _LDAP._replace(next_or_joined="was"),
    **dict.fromkeys(
        "smbclient rpcclient smbget smbcacls smbcquotas smbtree net winexe wmic smbmount nmblookup".split(), _SMB
    ),
    **dict.fromkeys("docker podman nerdctl buildah skopeo helm oras crane az oc".split(), _CONTAINERS),
    **dict.fromkeys("sqlcmd bcp osql tsql freebcp isql".split(), _SQL_SERVER),
    **dict.fromkeys("mosquitto_pub mosquitto_sub mosquitto_rr ipmitool ncftpput".split(), _SQL_SERVER),
    **dict.fromkeys(
        "mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles".split(), _MONGO
    ),
    **dict.fromkeys(
        "cqlsh cypher-shell hdbsql beeline rdesktop ncftpget ncftpls rabbitmqadmin vncpasswd".split(), _MONGO
    ),
    **dict.fromkeys("useradd usermod groupadd groupmod".split(), _MONGO),
    **dict.fromkeys(
        "redis-cli valkey-cli keydb-cli redis-benchmark valkey-benchmark".split(), Program(next_or_joined="a")
    ),
    **dict.fromkeys(
        "snmpget snmpwalk snmpset snmpgetnext snmpbulkget snmpbulkwalk snmptable snmptrap snmpinform snmpdf".split(),
        _SNMP,
    ),
    **dict.fromkeys("7z 7za 7zr rar unrar".split(), _ARCHIVE),
    **dict.fromkeys("zip unzip".split(), _SQL_SERVER),
    **dict.fromkeys("sqlplus sqlldr expdp impdp rman".split(), _ORACLE),
    **dict.fromkeys("keytool jarsigner".split(), _KEYTOOL),
    **dict.fromkeys("http https httpie xh xhs".split(), Program(part_after=":", parts=("-a", "--auth"))),
    **dict.fromkeys("pkcs11-tool p11tool".split(), Program(next_or_joined="p")),
    "sshpass": Program(next_or_joined="p", runs_another=True),
    "curl": _CURL,
    "lftp": Program(part_after=",", parts=("-u",)),
    "wpa_passphrase": Program(positions=(1,)),
    "openssl": Program(words=("-k", "-K", "-pass", "-passin", "-passout", "-password")),
    "yubico-piv-tool": Program(next_or_joined="P"),
    "doctl": Program(next_or_joined="t"),
    "swaks": Program(words=("-ap",)),
    "nodetool": Program(words=("-pw",)),
    "sendemail": Program(words=("-xp",)),
    "aws": Program(words=("aws_secret_access_key", "aws_session_token")),
    "nmcli": Program(words=("password", "802-11-wireless-security.psk", "wifi-sec.psk")),
    "vault": Program(needs=("login",), positions=(0,)),
    "rabbitmqctl": Program(needs=("add_user", "change_password", "authenticate_user"), positions=(1,)),
    "htpasswd": Program(flags="cimBdpsDvbn"),
    "expect": Program(),
    "neo4j-admin": Program(needs=("set-initial-password",), positions=(0,)),
}

NOTHING = Program()
"""A program that is not known."""
WRAPPERS = frozenset(
    "sudo doas env nice ionice timeout strace ltrace nohup setsid chroot unshare nsenter xargs time watch parallel flock systemd-run runuser "
    "su exec stdbuf taskset ip script chrt setpriv capsh bash sh dash zsh ksh ssh".split()
)
"""Programs that run what follows their own options."""

"""Command lines whose secret is known: it is nowhere in what is written, and everything else is."""

from __future__ import annotations

import random
import shlex

import pytest

from pcapdig.procs.secret_arguments import STARS, hide, hide_text
from pcapdig.procs.secret_options import PROGRAMS

PLAIN = [
    "ssh -p 2222 host",
    "nmap -p 80 example.org",
    "nmap -p80,443 example.org",
    "docker run -p 8080:80 --name mysql -p3306:3306 nginx",
    "mysql -u root -p 80",
    "mysql -u root --password db",
    "psql --password -h db.example.org shop",
    "curl -u alice https://example.org/",
    "curl -sS -o /tmp/out http://example.org:8080/a@b?c=d",
    "git clone ssh://git@github.com/a/b.git",
    "tar -cpf x.tar dir",
    "cp -pr a b",
    "mkdir -p a/b/c",
    "chrome --password-store=basic --user-data-dir=/tmp",
    "openssl req -passin file:/etc/pw -key a.pem",
    "openssl rsa -passin env:PW -in a.pem",
    "ansible-playbook --vault-password-file /etc/pw site.yml",
    "docker build --secret id=npm,src=/root/.npmrc .",
    "docker login --password-stdin registry.example.org",
    "openvpn --auth-user-pass /etc/openvpn/auth",
    "java -Djava.io.tmpdir=/tmp -jar app.jar --tokens-file=x",
    "env PWD=/root OLDPWD=/tmp make",
    "nginx: worker process",
    "sshd: alice@pts/0",
    "/usr/sbin/httpd -k start",
    "ldapsearch -x -H ldap://ldap.example.org -b dc=example uid=alice",
    "redis-cli -h db -p 6379 GET key",
    "ping -W 1 -w 5 10.0.0.1",
    "htpasswd -c /etc/htpasswd alice",
    "htpasswd /etc/htpasswd alice",
    "grep -r password /etc",
    "man passwd",
    "bash -c 'cd /srv && mysql -u root -p shop'",
    "rsync -a --password-file=/etc/rsync.pw a/ host::b/",
    "http://[::1]:8080/x@y",
]


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_no_secret_stays(line: str) -> None:
    """`-p` is a port, a path or a mode elsewhere; a password that is asked for is not there."""
    words = shlex.split(line)
    assert hide(words) == words
    assert hide_text(line) == line


WAYS = """
mysql -u root -p{} shop
mysql -uroot -p{} -e 'select 1'
/usr/bin/mysqldump --all-databases -Np{}
mysqladmin --password={} status
mariadb -p{}
sudo -u root mysql -p{}
env -i mysql -p{} shop
docker exec -it db mysql -uroot -p{} shop
docker run -e MYSQL_ROOT_PASSWORD={} -p 3306:3306 mysql:8
docker run -eMYSQL_PASSWORD={} -d mysql
kubectl exec pod -- mysql -p{}
mongosh --host db -u admin -p {} shop
mongodump --password {} --db shop
psql postgresql://app:{}@db.example.org:5432/shop
psql 'host=db user=app password={} dbname=shop'
env PGPASSWORD={} psql -h db
env MYSQL_PWD={} mysql
env AWS_SECRET_ACCESS_KEY={} aws s3 ls
env GITHUB_TOKEN={} gh pr list
env REDISCLI_AUTH={} redis-cli PING
env SSHPASS={} sshpass -e ssh host
aws configure set aws_secret_access_key {}
app --password {} --verbose
app --passwd {} -v
app --passwd={} -v
app --token {} --url x
app --token={}
app --secret {} x
app --api-key {}
app --api_key={}
app --apikey={}
app -password {} x
app --db-password={} --db-user=x
app --client-secret={}
app --passphrase {}
app --access-token={}
influx -username root -password {}
java -Djavax.net.ssl.keyStorePassword={} -jar x.jar
java -Dspring.datasource.password={} Main
keytool -list -storepass {} -keystore x
curl -u alice:{} https://example.org/
curl -ualice:{} https://example.org/
curl -sSu alice:{} https://example.org/
curl --user alice:{} https://example.org/
curl --proxy-user p:{} -x http://proxy:3128 https://example.org/
curl -H 'Authorization: Bearer {}' https://example.org/
curl -H 'authorization: Basic {}' https://example.org/
curl -H 'X-Api-Key: {}' https://example.org/
curl -H 'PRIVATE-TOKEN: {}' https://gitlab.example.org/
curl --header 'Cookie: {}' https://example.org/
curl --oauth2-bearer {} https://example.org/
curl -d 'user=alice&password={}' https://example.org/login
curl -d '{{"user": "alice", "password": "{}"}}' https://example.org/login
curl https://alice:{}@example.org/path?x=1
curl 'https://example.org/?access_token={}&x=1'
wget --user alice --http-password={} https://example.org/
wget --http-password {} https://example.org/
wget --http-passwd={} https://example.org/
sshpass -p {} ssh host
sshpass -p{} ssh -p 2222 host
redis-cli -a {} PING
redis-cli -h db --pass {} PING
redis-cli -u redis://:{}@db:6379/0
ldapsearch -x -D cn=admin -w {} -b dc=example
ldapsearch -x -w{}
ldappasswd -w {} uid=x
openssl rsa -passin pass:{} -in a.pem
openssl pkcs12 -export -passout pass:{} -in a.pem
openssl enc -aes-256-cbc -k {} -in x
openssl enc -pass pass:{} -in x
docker login -u alice -p {} registry.example.org
podman login --password={} registry
skopeo copy --src-creds alice:{} docker://a docker://b
smbclient //srv/share -U alice%{}
smbclient -Ualice%{} //srv/share
smbclient --user=alice%{} //srv/share
mount -t cifs -o username=alice,password={},vers=3 //srv/share /mnt
mosquitto_pub -h broker -u alice -P {} -t x -m y
sqlcmd -S db -U sa -P {}
ipmitool -H bmc -U admin -P {} power status
htpasswd -b /etc/htpasswd alice {}
htpasswd -cbB /etc/htpasswd alice {}
htpasswd -nb alice {}
snmpwalk -v2c -c {} switch
snmpget -v3 -u alice -A {} switch
zip -P {} a.zip b
7z x -p{} a.7z
sqlplus app/{}@db
lftp -u alice,{} sftp://host
http -a alice:{} example.org
wpa_passphrase home {}
nmcli device wifi connect home password {}
git clone https://alice:{}@github.com/a/b.git
git clone https://x-access-token:{}@github.com/a/b.git
git -c 'http.extraheader=Authorization: Basic {}' fetch
svn --username alice --password {} up
ansible all -e ansible_password={}
kubectl create secret generic db --from-literal=password={}
kubectl --token={} get pods
npm config set //registry.npmjs.org/:_authToken={}
sh -c 'mysql -uroot -p{} -e "select 1" | gzip > /tmp/x'
bash -lc 'cd /srv; PGPASSWORD={} pg_dump shop'
ssh host 'redis-cli -a {} PING'
ssh host 'sh -c "mysql -p{} shop"'
watch -n 5 'curl -s -u alice:{} https://example.org/'
expect -c 'spawn ssh host; expect "password:"; send "{}\\r"; interact'
rabbitmqctl add_user alice {}
vault login {}
app 'Server=db;Database=shop;User Id=sa;Password={};Encrypt=true'
app 'jdbc:mysql://db/shop?user=app&password={}'
amqp-publish -u amqp://alice:{}@broker/vhost
""".strip().splitlines()
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def words_of(way: str, secret: str) -> list[str]:
    """A command line with that secret."""
    return [word.replace("{{", "{").replace("}}", "}") for word in shlex.split(way.replace("{}", secret))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(4))
def test_the_secret_is_gone_and_the_rest_stays(way: str, seed: int) -> None:
    """Word for word, and as joined text of other programs' files."""
    dice = random.Random(f"{way} {seed}")
    secret = "".join(dice.choices(LETTERS, k=dice.randint(9, 24)))
    assert hide(words_of(way, secret)) == words_of(way, STARS)
    joined = " ".join(words_of(way, secret))
    assert secret not in hide_text(joined)
    assert secret not in hide_text(way.replace("{{", "{").replace("}}", "}").replace("{}", secret))


ODD = "!#%^*+,-./:;<=>?@[]_{|}~$&' \"\\äß\t"


@pytest.mark.parametrize("way", [way for way in WAYS if " {}" in f" {way}".replace("={} ", " {} ") and "'" not in way])
@pytest.mark.parametrize("seed", range(6))
def test_secrets_of_any_characters(way: str, seed: int) -> None:
    """A word of its own, or what follows `=`, is a secret to its end, whatever is in it."""
    dice = random.Random(f"odd {way} {seed}")
    secret = "S" + "".join(dice.choices(LETTERS + ODD * 2, k=dice.randint(6, 20))) + "E"
    words = [word.replace("\0", secret) for word in shlex.split(way.replace("{}", "\0"))]
    expected = [word.replace("\0", STARS) for word in shlex.split(way.replace("{}", "\0"))]
    if "," in way or "-e" in way.split()[:3] or ("_" in words[-1][:12] and "," in secret):
        pytest.skip("the secret ends at the list's comma")
    assert hide(words) == expected


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@pytest.mark.parametrize(
    "before", [[], ["sudo"], ["env", "LANG=C"], ["timeout", "5"], ["docker", "exec", "x"], ["nice", "-n", "5"]]
)
def test_every_program_is_known_behind_others(name: str, before: list[str]) -> None:
    """By its name alone and by a path."""
    program = PROGRAMS[name]
    letters = [f"-{letter}" for letter in program.next_or_joined]
    for option in (*program.words, *letters):
        line = [*before, f"/opt/bin/{name}", *program.needs[:1], option, "Xsecret1"]
        assert hide(line) == [*line[:-1], STARS]
    for letter in program.next_or_joined + program.joined:
        line = [*before, name, *program.needs[:1], f"-{letter}Xsecret1"]
        assert hide(line) == [*line[:-1], f"-{letter}{STARS}"]
    for option in program.parts:
        line = [*before, name, *program.needs[:1], option, f"alice{program.part_after}Xsecret1"]
        assert hide(line) == [*line[:-1], f"alice{program.part_after}{STARS}"]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_starred_stays_so(way: str) -> None:
    """A recording that is dug is starred once more."""
    once = hide(words_of(way, "Xsecret1"))
    assert hide(once) == once
    assert "Xsecret1" not in hide_text(" ".join(once))


@pytest.mark.parametrize("seed", range(300))
def test_any_words_are_taken(seed: int) -> None:
    """As many come out as went in, and nothing is raised."""
    dice = random.Random(seed)
    pieces = [
        *" '\"\\=:@/%&;|-{}()$\n\t\0",
        "-p",
        "mysql",
        "curl",
        "-u",
        "http://",
        "password",
        "bearer ",
        "pass:",
        "sh -c",
        "é",
        "\ufffd",
    ]
    words = ["".join(dice.choices(pieces, k=dice.randint(0, 30))) for _ in range(dice.randint(0, 8))]
    assert len(hide(words)) == len(words)
    hide_text(" ".join(words))


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        '"',
        "\\",
        "a",
        "-",
        ".",
        "_",
        "password",
        "password=",
        "://",
        "a:",
        "@",
        " ",
        "' ",
        "bearer ",
        "x-",
        "pass",
        "(",
        'a"',
    ],
)
def test_long_words_of_one_piece(piece: str) -> None:
    """Four KiB of anything, as much as the tracer and /proc give: none of the patterns searches the same text again and again."""
    text = (piece * 4096)[:4096]
    assert len(hide([text, *text.split()])) == 1 + len(text.split())
    hide_text(text)

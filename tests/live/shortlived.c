/*
 * shortlived: the briefest client there is. Connects over TCP, says who it is, and is gone; nobody can ask /proc about it.
 *
 *     shortlived TRUTH ADDRESS PORT REPLY_BYTES
 *
 * Appends to TRUTH, one JSON line each and only after it happened, what truth.py's programs write: that it held the socket, wrote
 * bytes 0 to n of it, and read REPLY_BYTES. It goes by the name it was started by. Exit status 1 if any step failed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int tell(int truth, const char *act, const char *ends, int start, int end)
{
	char line[512];
	int size = snprintf(line, sizeof(line),
			    "{\"kind\":\"tcp\",\"act\":\"%s\",%s,\"pid\":%d,\"name\":\"%s\",\"start\":%d,\"end\":%d}\n", act,
			    ends, (int)getpid(), program_invocation_short_name, start, end);

	return write(truth, line, size) == size;
}

int main(int argc, char **argv)
{
	struct sockaddr_in local, remote = {.sin_family = AF_INET};
	socklen_t length = sizeof(local);
	char message[64], reply[4096], ends[256];
	int wanted, got = 0, size, truth, connection;

	if (argc != 5 || inet_pton(AF_INET, argv[2], &remote.sin_addr) != 1)
		return 1;
	remote.sin_port = htons(atoi(argv[3]));
	wanted = atoi(argv[4]);
	truth = open(argv[1], O_WRONLY | O_APPEND);
	connection = socket(AF_INET, SOCK_STREAM, 0);
	if (truth < 0 || connection < 0 || connect(connection, (struct sockaddr *)&remote, sizeof(remote)) < 0)
		return 1;
	size = snprintf(message, sizeof(message), "shortlived %d\n", (int)getpid());
	if (write(connection, message, size) != size)
		return 1;
	while (got < wanted) {
		int count = read(connection, reply, sizeof(reply));

		if (count <= 0)
			return 1;
		got += count;
	}
	if (getsockname(connection, (struct sockaddr *)&local, &length) < 0)
		return 1;
	snprintf(ends, sizeof(ends), "\"local\":[\"127.0.0.1\",%d],\"remote\":[\"%s\",%s]", ntohs(local.sin_port), argv[2], argv[3]);
	return !(tell(truth, "hold", ends, 0, 0) && tell(truth, "write", ends, 0, size) && tell(truth, "read", ends, 0, got));
}

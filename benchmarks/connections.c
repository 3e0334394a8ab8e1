/*
 * connections.c: as many short TCP connections over loopback as two processors make.
 *
 * usage: connections SECONDS PAIRS
 *
 * Each pair is a server thread and a client thread. A connection is connect, one byte, read, close; the client closes by RST,
 * so that no port waits. Prints the connections made.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static atomic_long made;
static struct timespec end;

struct pair {
	int listener;
	struct sockaddr_in address;
};

static int is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

static void *serve(void *argument)
{
	struct pair *pair = argument;
	char byte;

	for (;;) {
		int connection = accept(pair->listener, NULL, NULL);

		if (connection < 0)
			return NULL;
		if (read(connection, &byte, 1) < 0)
			perror("read");
		close(connection);
	}
}

static void *ask(void *argument)
{
	struct pair *pair = argument;
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	char byte = 'x';

	while (!is_over()) {
		int connection = socket(AF_INET, SOCK_STREAM, 0);

		setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		if (connect(connection, (struct sockaddr *)&pair->address, sizeof(pair->address)) == 0) {
			if (write(connection, &byte, 1) == 1 && read(connection, &byte, 1) == 0)
				atomic_fetch_add(&made, 1);
		} else {
			perror("connect");
		}
		close(connection);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	double seconds = count > 1 ? atof(arguments[1]) : 1;
	int pairs = count > 2 ? atoi(arguments[2]) : 2;
	pthread_t servers[64], clients[64];
	static struct pair made_pairs[64];

	if (pairs < 1 || pairs > 64)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += (long)((seconds - (long)seconds) * 1e9);
	end.tv_sec += (long)seconds + end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	for (int i = 0; i < pairs; i++) {
		struct pair *pair = &made_pairs[i];
		socklen_t size = sizeof(pair->address);

		pair->address.sin_family = AF_INET;
		pair->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		pair->listener = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(pair->listener, (struct sockaddr *)&pair->address, size) || listen(pair->listener, 128) ||
		    getsockname(pair->listener, (struct sockaddr *)&pair->address, &size)) {
			perror("listen");
			return 1;
		}
		pthread_create(&servers[i], NULL, serve, pair);
	}
	for (int i = 0; i < pairs; i++)
		pthread_create(&clients[i], NULL, ask, &made_pairs[i]);
	for (int i = 0; i < pairs; i++)
		pthread_join(clients[i], NULL);
	printf("%ld\n", atomic_load(&made));
	return 0;
}

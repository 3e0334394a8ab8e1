// The floor under a dig of packets: walks the blocks of a mapped pcapng and adds up lengths by a hash of addresses and ports.
//
//     cc -O2 -o floor floor.c && ./floor FILE
//
// Knows only what the benchmark writes: little-endian, Ethernet, IPv4 and IPv6 with TCP, whole blocks.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SLOTS (1u << 19)
static uint64_t bytes_by_hash[SLOTS];

static uint32_t word(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

int main(int count, char **words)
{
    struct stat about;
    int file = count == 2 ? open(words[1], O_RDONLY) : -1;
    if (file < 0 || fstat(file, &about) != 0)
        return 2;
    const uint8_t *data = mmap(0, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
        return 2;
    madvise((void *)data, about.st_size, MADV_SEQUENTIAL);
    uint64_t packets = 0;
    for (int64_t at = 0; at + 12 <= about.st_size; at += word(data + at + 4)) {
        if (word(data + at) != 6)
            continue;
        const uint8_t *network = data + at + 28 + 14;
        int size = network[0] >> 4 == 4 ? 8 : 32, start = size == 8 ? 12 : 8;
        uint32_t hash = 0;
        for (int i = 0; i < size + 4; i += 4) // addresses, and the ports after them
            hash += (word(network + start + i) ^ hash >> 7) * 0x9E3779B1u;
        bytes_by_hash[hash >> 13] += word(data + at + 24);
        packets++;
    }
    printf("%llu\n", (unsigned long long)packets);
    return 0;
}

"""Hashes that whoever made a capture cannot foresee, so that no file makes everything in it share a slot.

The seed takes part in each multiplication: which inputs collide depends on all of it, and on no part of the input alone. A seed that is
only added at one place is not enough: inputs that collide behind it do so whatever it is.
Source of the folded product: wyhash (public domain), https://github.com/wangyi-fudan/wyhash.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef extern from *:
    """
    static inline unsigned long long pcapdig_folded(unsigned long long a, unsigned long long b) {
    #ifdef __SIZEOF_INT128__
        unsigned __int128 product = (unsigned __int128) a * b;
        return (unsigned long long) product ^ (unsigned long long) (product >> 64);
    #else
        unsigned long long low = (a & 0xffffffff) * (b & 0xffffffff), high = (a >> 32) * (b >> 32);
        unsigned long long one = (a >> 32) * (b & 0xffffffff), other = (a & 0xffffffff) * (b >> 32);
        unsigned long long middle = (low >> 32) + (one & 0xffffffff) + (other & 0xffffffff);
        high += (one >> 32) + (other >> 32) + (middle >> 32);
        return ((middle << 32) | (low & 0xffffffff)) ^ high;
    #endif
    }
    """
    uint64_t folded "pcapdig_folded"(uint64_t a, uint64_t b) noexcept nogil
    # Both halves of the 128-bit product, one over the other.


cdef inline uint64_t hash_of(const uint8_t *data, uint32_t size, uint64_t seed) noexcept nogil:
    """64 bits over all bytes."""
    cdef uint64_t hash_ = seed ^ size
    cdef uint64_t words[2]
    while size >= 16:
        memcpy(words, data, 16)
        hash_ = folded(words[0] ^ seed, words[1] ^ hash_ ^ <uint64_t> 0x9E3779B97F4A7C15ULL)
        data += 16
        size -= 16
    words[0] = words[1] = 0
    memcpy(words, data, size)
    hash_ = folded(words[0] ^ seed, words[1] ^ hash_ ^ <uint64_t> 0x9E3779B97F4A7C15ULL)
    return folded(hash_ ^ seed, <uint64_t> 0xD6E8FEB86659FD93ULL)

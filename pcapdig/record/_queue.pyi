READABLE_LINK_TYPES: frozenset[int]

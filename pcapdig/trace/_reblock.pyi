# Only other native modules use it.

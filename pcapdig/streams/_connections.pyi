# Only the native assembler uses it.

"""What both ends say in each state of each protocol, and what must be made of it: the rows of docs/protocol-states.md, played."""

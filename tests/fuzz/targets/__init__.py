"""All fuzz targets by name. A module here holds those of a room or two; fuzz.py runs them, test_targets.py replays what was saved."""

from targets import captures, carried, conversations, events, heads, language, packets, reassembly
from targets.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (captures, packets, reassembly, conversations, heads, carried, language, events)
    for target in module.TARGETS
}

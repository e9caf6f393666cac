"""Proportional set size of the files of a folder."""

from __future__ import annotations

from benchmarks.memory import proportional_bytes


def test_only_mappings_of_the_folder_count():
    smaps = (
        "7f00-7f10 r--p 00000000 fd:00 1   /data/set/train_images.bin\nSize: 64 kB\nPss:  12 kB\n"
        "Pss_Dirty:  9 kB\n"
        "7f20-7f30 r--p 00000000 fd:00 2   /data/settle/train_images.bin\nPss:  100 kB\n"
        "7f40-7f50 rw-p 00000000 00:00 0\nPss:  1000 kB\n"
        "7f60-7f70 r--p 00000000 fd:00 3   /data/set/test_images.bin\nPss:   3 kB\n"
    )
    assert proportional_bytes(smaps, "/data/set") == 15 * 1024

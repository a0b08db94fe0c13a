"""The database's disk: a file system of its own, in memory, where this user may mount one, so that it can be full."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SIZE_KB = 4 * 1024 * 1024  # of memory, as far as it is used


class Disk:
    """Mounted at the folder for as long as the `with` lasts, and we live. `can_be_full`: not where it could not be
    mounted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.can_be_full = False

    def __enter__(self) -> Disk:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.can_be_full = self._mount(f"size={SIZE_KB}k")
        if self.can_be_full:
            # Its input ends when we close it, and when we die.
            self._unmount = subprocess.Popen(
                ["sh", "-c", 'read -r _; umount --lazy "$0"', str(self._folder)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.can_be_full:
            self._unmount.communicate()
            assert not self._unmount.returncode, f"{self._folder} is still mounted"

    def fill(self) -> None:
        """Nothing more goes onto it. Tried several times, for it gets no smaller than what has come meanwhile."""
        assert any(self._mount(f"remount,size={self._used_kb() + 64}k") for _ in range(20)), "it was never full"

    def empty(self) -> None:
        """There is room again."""
        assert self._mount(f"remount,size={SIZE_KB}k"), "it stays full"

    def _used_kb(self) -> int:
        told = os.statvfs(self._folder)
        return (told.f_blocks - told.f_bfree) * told.f_frsize // 1024

    def _mount(self, options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._folder)]
        try:
            return not subprocess.run(command, capture_output=True).returncode
        except FileNotFoundError:
            return False

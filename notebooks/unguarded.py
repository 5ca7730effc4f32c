"""A script that starts a process, without the guard that workers.py ends with: it fails."""

import multiprocessing

from workers import count_hits

context = multiprocessing.get_context("spawn")
process = context.Process(target=count_hits, args=(1000, 0))
process.start()
process.join()

"""A simulation of the lot protocol: seeded schedules over stores that fail, workers that are killed and paused.

The program's own runtime runs in it; only stores, queues, time and the order of steps are made up.
"""

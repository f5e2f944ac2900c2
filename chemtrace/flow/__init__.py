"""Flow anomalies: detectors, held signals, alerts and their handling, as one deterministic fold over the log.

Pure: no clock, no I/O. Input is what admission decided (observations, kept refusals, handled alerts) and the log
time of each epoch; output is what changed among alerts and watches. The same input gives the same alerts, bit for
bit, so an auditor can recompute every one of them.
"""

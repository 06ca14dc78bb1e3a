"""The sandbox: some accounts in a database of their own, rehearsed on a clock that a person moves on.

`place` says where it is and how its processes are started, `copying` fills it, `turning` moves its clock
on (inside such a process), `working` takes the row of the queue from one state to the next, `diary` reads
what happened inside.
"""

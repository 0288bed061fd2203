"""The web page and the JSON API of `chirpleaf serve`, made for one person or a group on one machine.

    client -> guard (host, origin, size and time of the body) -> api -> job store -> worker pool -> worker processes

`api` states the operations, `schemas` what they take and give, `uploads` keeps what a client sends. `jobs` holds the
jobs, their folders and the bounds on both. `pool` gives jobs to `worker` processes, one a core, and replaces those that
end. `running` opens the port. This process imports neither torch nor numpy: only workers read data.
"""

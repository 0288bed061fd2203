"""torchrun that ends with the process that started it: `python -m chirpleaf.cli.torchrun`, with torchrun's options.

torchrun alone goes on with its ranks when `chirpleaf scale` is killed.
"""

import os

from torch.distributed.run import main

from chirpleaf.system.processes import LAUNCHER, follow_parent

if __name__ == "__main__":
    follow_parent()
    os.environ[LAUNCHER] = str(os.getpid())  # for the ranks, which inherit it
    main()

"""torchrun that ends with the process that started it: `python -m chirpleaf.cli.torchrun`, with torchrun's options.

torchrun alone goes on with its ranks when `chirpleaf scale` is killed.
"""

from torch.distributed.run import main

from chirpleaf.system.processes import follow_parent

if __name__ == "__main__":
    follow_parent()
    main()

"""``python -m perisurv`` is the command ``perisurv``."""

from perisurv.cli import main

if __name__ == "__main__":
    main()

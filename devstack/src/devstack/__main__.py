"""`python -m devstack VERB`: what `./dev VERB` runs."""

from devstack.verbs import main

if __name__ == "__main__":
    main()

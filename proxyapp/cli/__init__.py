"""The command ``python -m proxyapp``: one module a subcommand."""

import argparse

from proxyapp.cli.command import Command


def test_a_command_takes_no_options_unless_it_says_so():
    parser = argparse.ArgumentParser()
    Command("do", lambda terminal: 0).options(parser)
    assert vars(parser.parse_args([])) == {}

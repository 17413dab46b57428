from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record


def test_a_credential_is_not_shown():
    assert "secret" not in repr(Record("r", Caller(credential="secret")))

from proxyapp.backends.base import ModelInfo
from proxyapp.errors import UpstreamUnreachable
from proxyapp.routing.snapshot import take_snapshot
from proxyapp.routing.snapshot import unique

DOWN = UpstreamUnreachable("it is down")


class Serving:
    def __init__(self, *models):
        self.listed = list(models)

    def models(self):
        return self.listed


class Down:
    def models(self):
        raise DOWN


def model(name, backend, **fields):
    return ModelInfo(name, backend, name, **fields)


def test_a_snapshot_holds_models_and_failures():
    phi = model("phi", "a")
    taken = take_snapshot({"a": Serving(phi), "b": Down()})
    assert taken.models == (phi,)
    assert taken.failures == (("b", DOWN),)
    assert taken.taken == float("-inf")


def test_a_name_belongs_to_the_first_that_has_it():
    first = model("phi", "a", aliases=("small",))
    second = model("phi", "b", aliases=("small",), also_known=("/m/phi",))
    kept = unique([first, second])
    assert kept[0] is first
    assert kept[1].names == ("b/phi",)

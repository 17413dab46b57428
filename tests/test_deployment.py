"""The files that put the gateway to work elsewhere, checked without a Docker engine."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest
import yaml

from proxyapp.settings.environment import variables
from proxyapp.settings.shipped import schema
from tests.servers import ROOT

LIMIT = 20.0


def read(name):
    return (ROOT / name).read_text("utf-8")


# ---------------------------------------------------------------------- Dockerfile


@dataclass(frozen=True)
class Stage:
    """A FROM and the instructions up to the next one."""

    image: str
    steps: list[tuple[str, str]]

    def all(self, name):
        return [argument for step, argument in self.steps if step == name]

    def one(self, name):
        (argument,) = self.all(name)
        return argument


def instructions(text):
    """Split a Dockerfile as Docker does: comments go, continued lines are joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    for line in filter(str.strip, joined.splitlines()):
        name, argument = line.strip().split(maxsplit=1)
        yield name.upper(), " ".join(argument.split())


def stages(text):
    """Give the arguments before the first FROM, and the stages."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for name, argument in instructions(text):
        if name == "FROM":
            found.append(Stage(argument, []))
        elif found:
            found[-1].steps.append((name, argument))
        else:
            assert name == "ARG", f"{name} before the first FROM"
            key, _, value = argument.partition("=")
            arguments[key] = value
    return arguments, found


@pytest.fixture
def dockerfile():
    return stages(read("Dockerfile"))


@pytest.fixture
def final(dockerfile):
    return dockerfile[1][-1]


def environment(stage):
    return dict(pair.split("=", 1) for pair in " ".join(stage.all("ENV")).split())


def test_the_base_images_are_build_arguments(dockerfile):
    arguments, found = dockerfile
    names = [re.fullmatch(r"\$\{(\w+)\}( AS \w+)?", s.image).group(1) for s in found]
    assert names == ["NODE_IMAGE", "BUILD_IMAGE", "RUNTIME_IMAGE"]
    python = [arguments[name] for name in names[1:]]
    assert all(re.fullmatch(r"python:3\.\d+-slim", image) for image in python)
    assert re.fullmatch(r"node:2\d-slim", arguments["NODE_IMAGE"])


def test_packages_are_installed_in_a_stage_that_is_left_behind(dockerfile):
    _, (node, build, final) = dockerfile
    assert any("pip" in run for run in build.all("RUN"))
    assert any("npm" in run for run in node.all("RUN"))
    assert final.all("RUN") == []


def test_the_image_holds_only_what_was_built(final):
    assert final.all("COPY") == [
        "--from=build /venv /venv",
        "--from=build /app /app",
        "--from=node /usr/local/bin/node /usr/local/bin/node",
    ]


def test_of_node_packages_only_the_bundle_stays(dockerfile):
    _, (node, build, _) = dockerfile
    (source,) = (copy.split()[0] for copy in node.all("COPY"))
    assert json.dumps(["rm", "-r", source]) in build.all("RUN")
    bundle = f"--from=node {node.one('WORKDIR')}/dist ./{source}/dist"
    assert bundle in build.all("COPY")
    assert json.dumps(["npm", "ci", "--ignore-scripts"]) in node.all("RUN")
    assert (ROOT / source / "package-lock.json").exists()


def test_the_lock_file_names_exact_packages_and_no_registry():
    folder = ROOT / "proxyapp/backends/copilot/helper"
    wanted = json.loads((folder / "package.json").read_text("utf-8"))
    locked = json.loads((folder / "package-lock.json").read_text("utf-8"))["packages"]
    names = {**wanted["dependencies"], **wanted["devDependencies"]}
    found = {name: locked[f"node_modules/{name}"]["version"] for name in names}
    assert found == names
    assert [name for name, entry in locked.items() if "resolved" in entry] == []
    assert [n for n, e in locked.items() if n and "integrity" not in e] == []


def test_what_is_copied_is_there_and_let_into_the_build(dockerfile):
    _, (_, build, _) = dockerfile
    copies = [copy.split() for copy in build.all("COPY") if "--from" not in copy]
    sources = [word for copy in copies for word in copy[:-1]]
    admitted = [
        line[1:] for line in read(".dockerignore").splitlines() if line[:1] == "!"
    ]
    assert sorted(sources) == sorted(admitted)
    assert all((ROOT / source).exists() for source in sources)


def test_everything_else_stays_outside(dockerfile):
    rules = [line for line in read(".dockerignore").splitlines() if line[:1] != "#"]
    assert rules[0] == "*"


@pytest.mark.reliability("R-060")
def test_the_image_runs_as_nobody(final):
    assert final.one("USER") == "65534:65534"


@pytest.mark.reliability("R-060")
def test_the_image_serves_without_a_shell(final):
    assert json.loads(final.one("CMD")) == ["python", "-m", "proxyapp", "serve"]
    assert final.all("ENTRYPOINT") == []


def test_commands_are_in_exec_form(dockerfile):
    _, found = dockerfile
    runs = [json.loads(run) for stage in found for run in stage.all("RUN")]
    assert all(isinstance(run, list) for run in runs)


def test_the_image_listens_for_the_port_it_exposes(final):
    values = environment(final)
    assert values["LISTEN_HOST"] == "0.0.0.0"
    assert values["ALLOW_UNAUTHENTICATED"] == "1"
    assert values["LISTEN_PORT"] == final.one("EXPOSE") == "11434"


def health_command(final):
    _, _, command = final.one("HEALTHCHECK").partition(" CMD ")
    return json.loads(command)


def checked(command, port):
    """Run a health check where the port that it asks is another."""
    python, flag, code = command
    assert (python, flag) == ("python", "-c")
    return subprocess.run(
        [sys.executable, "-c", code.replace("11434", str(port))],
        env={"LISTEN_PORT": str(port), "HTTP_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        timeout=LIMIT,
        check=False,
    ).returncode


@pytest.mark.reliability("R-060")
def test_the_health_check_of_the_image_passes_and_fails(final, upstream):
    good = checked(health_command(final), upstream.port)
    upstream.loading = True
    assert (good, checked(health_command(final), upstream.port)) == (0, 1)


# --------------------------------------------------------------------- compose.yaml


@pytest.fixture
def services():
    return yaml.safe_load(read("compose.yaml"))["services"]


@pytest.mark.reliability("R-030")
def test_the_gateway_is_published_to_this_machine_only(services):
    assert services["gateway"]["ports"] == ["127.0.0.1:11434:11434"]
    assert "ports" not in services["llama-server"]


def test_the_gateway_is_pointed_at_the_model_server(services):
    upstream = services["gateway"]["environment"]["UPSTREAM"]
    assert upstream == "http://llama-server:11433"
    command = services["llama-server"]["command"]
    assert command[command.index("--port") + 1] == "11433"
    assert "--jinja" in command


def test_the_models_are_mounted_read_only(services):
    assert services["llama-server"]["volumes"] == ["./models:/models:ro"]


def test_the_model_server_comes_first(services):
    needs = services["gateway"]["depends_on"]["llama-server"]
    assert needs == {"condition": "service_healthy"}


@pytest.mark.reliability("R-060")
@pytest.mark.parametrize("name", ["gateway", "llama-server"])
def test_a_service_has_a_health_check_and_no_rights_it_does_not_need(services, name):
    service = services[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_health_check_of_the_gateway_passes_and_fails(services, upstream):
    command = services["gateway"]["healthcheck"]["test"][1:]
    good = checked(command, upstream.port)
    upstream.loading = True
    assert (good, checked(command, upstream.port)) == (0, 1)


def test_the_model_server_is_asked_for_its_health_at_its_port(services):
    test = services["llama-server"]["healthcheck"]["test"]
    assert test[1:] == ["curl", "-fsS", "http://127.0.0.1:11433/health"]


def test_every_name_in_the_example_environment_means_something(services):
    names = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", read(".env.example"), re.MULTILINE)
    used = re.findall(r"\$\{([A-Z_]+)", read("compose.yaml"))
    assert "MODEL" in names
    assert set(names) <= {*used, *variables(schema())}


# ---------------------------------------------------------------------- nginx.conf


def test_the_site_says_what_streams_need():
    site = read("config/nginx.conf")
    needed = (
        "proxy_buffering off;",
        "proxy_request_buffering off;",
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header Host localhost;",
        "proxy_read_timeout 3600s;",
        "client_max_body_size 32m;",
    )
    assert [line for line in needed if line not in site] == []

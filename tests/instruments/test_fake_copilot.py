"""The played GitHub and Copilot: logins, tokens, models, policies, quota."""

import json
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.fakes.copilot import Call
from tests.fakes.copilot import FakeCopilot
from tests.fakes.copilot.answers import Scripted
from tests.fakes.copilot.steps import Pause
from tests.fakes.copilot.steps import Text
from tests.servers import ROOT

INDIVIDUAL = "api.individual.githubcopilot.com"
CHAT = "/chat/completions"
LOGIN = {"client_id": "Iv1.0000000000000000", "scope": "read:user"}


@pytest.fixture
def github() -> Iterator[FakeCopilot]:
    with FakeCopilot() as fake:
        yield fake


def get(github: FakeCopilot, place: str, token: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Editor-Version": "vscode/1.107.0"}
    return requests.get(f"{github.url}/{place}", headers=headers, timeout=5)


def post(
    github: FakeCopilot, place: str, body: Any, **options: Any
) -> requests.Response:
    token = options.pop("token", None) or github.copilot_token()
    headers = {
        "Authorization": f"Bearer {token}",
        "Editor-Version": "vscode/1.107.0",
        "X-Initiator": "user",
        **options.pop("headers", {}),
    }
    url = f"{github.url}/{place}"
    return requests.post(url, json=body, headers=headers, timeout=5, **options)


def chat(model: str = "gpt-4.1", text: str = "hi") -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    fields = {"model": model, "stream": True, "max_tokens": 64}
    return {**fields, "messages": messages, "input": messages}


def login(github: FakeCopilot, domain: str = "github.com") -> Any:
    asked = {"data": LOGIN, "headers": {"Accept": "application/json"}, "timeout": 5}
    return requests.post(f"{github.url}/{domain}/login/device/code", **asked).json()


def poll(github: FakeCopilot, begun: Any, domain: str = "github.com") -> Any:
    form = {**LOGIN, "device_code": begun["device_code"]}
    asked = {"data": form, "headers": {"Accept": "application/json"}, "timeout": 5}
    place = f"{github.url}/{domain}/login/oauth/access_token"
    return requests.post(place, **asked).json()


# --------------------------------------------------------------------- logins


def test_a_login_is_pending_until_it_is_approved(github: FakeCopilot) -> None:
    begun = login(github)
    assert begun["verification_uri"] == "https://github.com/login/device"
    assert poll(github, begun)["error"] == "authorization_pending"
    github.approve()
    token = poll(github, begun)["access_token"]
    assert get(github, "api.github.com/user", token).json()["login"] == "octocat"


def test_polls_can_be_answered_with_any_error(github: FakeCopilot) -> None:
    github.account.polls = ["slow_down", "authorization_pending"]
    begun = login(github)
    assert poll(github, begun)["interval"] == 1
    assert poll(github, begun)["error"] == "authorization_pending"
    github.deny()
    assert poll(github, begun)["error"] == "access_denied"
    github.lapse()
    assert poll(github, begun)["error"] == "expired_token"
    github.account.approve_after = 5
    assert "access_token" in poll(github, begun)
    assert poll(github, {"device_code": "?"})["error"] == "incorrect_device_code"


def test_the_login_page_answers_in_a_form_unless_json_is_accepted(
    github: FakeCopilot,
) -> None:
    place = f"{github.url}/github.com/login/device/code"
    answer = requests.post(place, data=LOGIN, timeout=5)
    assert urllib.parse.parse_qs(answer.text)["user_code"] == ["WDJB-0001"]


def test_an_enterprise_logs_in_at_its_own_domain(github: FakeCopilot) -> None:
    domain = "acme.ghe.com"
    begun = login(github, domain)
    assert begun["verification_uri"] == f"https://{domain}/login/device"
    github.approve()
    token = poll(github, begun, domain)["access_token"]
    place = f"api.{domain}/copilot_internal/v2/token"
    granted = get(github, place, token).json()
    assert granted["endpoints"]["api"] == f"https://copilot-api.{domain}"
    assert "proxy-ep" not in granted["token"]
    listed = get(github, f"copilot-api.{domain}/models", granted["token"])
    assert listed.status_code == 200


# --------------------------------------------------------------------- tokens


def test_a_github_token_is_exchanged_for_a_copilot_token(github: FakeCopilot) -> None:
    place = "api.github.com/copilot_internal/v2/token"
    granted = get(github, place, github.github_token).json()
    assert granted["token"].startswith("tid=")
    assert ";proxy-ep=proxy.individual.githubcopilot.com;" in granted["token"]
    assert get(github, f"{INDIVIDUAL}/models", granted["token"]).status_code == 200
    github.fail_exchange(500)
    assert get(github, place, github.github_token).status_code == 500
    assert get(github, place, github.github_token).status_code == 200
    token = github.github_token
    github.revoke()
    refused = get(github, place, token)
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")
    assert github.exchanges == 4


def test_an_expired_token_is_refused_everywhere(github: FakeCopilot) -> None:
    token = github.copilot_token()
    assert post(github, INDIVIDUAL + CHAT, chat(), token=token).status_code == 200
    github.expire()
    refused = post(github, INDIVIDUAL + CHAT, chat(), token=token)
    assert refused.status_code == 401
    assert refused.text == "IDE token expired: unauthorized: token expired\n"
    assert get(github, f"{INDIVIDUAL}/models", token).status_code == 401
    assert post(github, INDIVIDUAL + CHAT, chat()).status_code == 200


def test_the_plan_is_told_with_the_quota(github: FakeCopilot) -> None:
    told = get(github, "api.github.com/copilot_internal/user", github.github_token)
    left = told.json()["quota_snapshots"]["premium_interactions"]["remaining"]
    assert (told.json()["copilot_plan"], left) == ("individual_pro", 300)


# ------------------------------------------------------------ models, policies


def test_the_models_are_listed_with_all_that_matters(github: FakeCopilot) -> None:
    listed = get(github, f"{INDIVIDUAL}/models", github.copilot_token()).json()["data"]
    by_id = {one["id"]: one for one in listed}
    codex, mini = by_id["gpt-5.3-codex"], by_id["gpt-4.1"]
    assert codex["supported_endpoints"] == ["/responses"]
    assert codex["capabilities"]["limits"]["max_output_tokens"] == 128_000
    assert mini["billing"] == {"is_premium": False, "multiplier": 0}
    assert mini["capabilities"]["supports"]["vision"] is True
    assert by_id["claude-opus-4.7"]["policy"]["state"] == "unconfigured"
    assert "supported_endpoints" not in by_id["nova-2"]
    assert by_id["text-embedding-3-small"]["capabilities"]["type"] == "embeddings"


def test_a_model_is_refused_until_its_terms_are_accepted(github: FakeCopilot) -> None:
    model = "claude-opus-4.7"
    place = f"{INDIVIDUAL}/v1/messages?beta=true"
    assert post(github, place, chat(model)).status_code == 403
    accepted = {"state": "enabled"}
    done = post(github, f"{INDIVIDUAL}/models/{model}/policy", accepted)
    assert done.json() == accepted
    assert post(github, place, chat(model)).status_code == 200


@pytest.mark.parametrize(
    ("model", "path", "code"),
    [
        ("gpt-0", CHAT, "model_not_supported"),
        ("text-embedding-3-small", CHAT, "model_not_supported"),
        ("gpt-5.3-codex", CHAT, "unsupported_api_for_model"),
        ("gpt-4.1", "/responses", "unsupported_api_for_model"),
        ("grok-code-fast-1", CHAT, "no_available_model_endpoints"),
    ],
)
def test_a_model_is_refused_where_it_is_not_served(
    github: FakeCopilot, model: str, path: str, code: str
) -> None:
    refused = post(github, INDIVIDUAL + path, chat(model))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_editors_headers_are_required(github: FakeCopilot) -> None:
    refused = post(github, INDIVIDUAL + CHAT, chat(), headers={"Editor-Version": None})
    assert refused.status_code == 400
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    body = chat()
    body["messages"][0]["content"] = [{"type": "text", "text": "see"}, image]
    assert post(github, INDIVIDUAL + CHAT, body).status_code == 400
    vision = {"Copilot-Vision-Request": "true"}
    assert post(github, INDIVIDUAL + CHAT, body, headers=vision).status_code == 200
    assert github.generations[-1].images == ["aGk="]
    assert github.generations[-1].said == "see"


# ----------------------------------------------------------------------- quota


def test_the_quota_shrinks_by_the_turns_of_the_user(github: FakeCopilot) -> None:
    place = INDIVIDUAL + CHAT
    shown = "x-quota-snapshot-premium_interactions"
    first = post(github, place, chat("nova-2"))
    assert "&rem=99.7&" in first.headers[shown]
    by_agent = post(github, place, chat("nova-2"), headers={"X-Initiator": "agent"})
    assert by_agent.headers[shown] == first.headers[shown]
    github.exhaust()
    refused = post(github, place, chat("nova-2"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (402, "3600")
    assert refused.json()["error"]["code"] == "quota_exceeded"
    assert shown not in refused.headers
    assert post(github, place, chat("gpt-4.1")).status_code == 200


# ------------------------------------------------------------- which answer


def test_the_words_of_the_user_win_over_the_model_and_the_path(
    github: FakeCopilot,
) -> None:
    github.script(Text("any"))
    github.script(Text("path"), path=CHAT)
    github.script(Text("model"), model="gpt-4.1")
    github.script(Text("said"), said="magic")
    place = INDIVIDUAL + CHAT
    assert '"said"' in post(github, place, chat("gpt-4.1", "a magic word")).text
    assert '"model"' in post(github, place, chat("gpt-4.1")).text
    assert '"path"' in post(github, place, chat("nova-2")).text
    assert '"any"' in post(github, f"{INDIVIDUAL}/responses", chat("gpt-5-mini")).text


def test_answers_follow_each_other_and_the_last_one_stays(github: FakeCopilot) -> None:
    github.script(Text("one"))
    github.reply(500, "<html>", content_type="text/html")
    github.respond(lambda call: Scripted((Text(f"to {call.said}"),)))
    place = INDIVIDUAL + CHAT
    assert '"one"' in post(github, place, chat()).text
    assert post(github, place, chat()).status_code == 500
    assert '"to hi"' in post(github, place, chat()).text
    assert '"to you"' in post(github, place, chat(text="you")).text


def test_unknown_hosts_and_paths_are_recorded_and_not_served(
    github: FakeCopilot,
) -> None:
    token = github.copilot_token()
    assert get(github, "evil.example/models", token).status_code == 404
    assert get(github, f"{INDIVIDUAL}/embeddings", token).status_code == 404
    assert get(github, "github.com/", token).status_code == 404
    hosts = [call.host for call in github.requests]
    assert hosts == ["evil.example", INDIVIDUAL, "github.com"]


def test_a_client_that_leaves_early_is_noticed(github: FakeCopilot) -> None:
    github.script(Text("a"), Pause(10), Text("b"))
    answer = post(github, INDIVIDUAL + CHAT, chat(), stream=True)
    assert next(answer.iter_content(16))
    answer.close()
    call: Call = github.generations[0]
    assert call.wait_closed() is not None
    assert call.left_early


def test_a_client_that_stays_is_not_said_to_leave(github: FakeCopilot) -> None:
    post(github, INDIVIDUAL + CHAT, chat())
    call = github.generations[0]
    assert call.completed.wait(20)
    assert not call.left_early


def test_tokens_are_unique_under_threads(github: FakeCopilot) -> None:
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda: tokens.append(github.copilot_token()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(tokens)) == 8


def test_it_plays_by_itself_until_its_input_ends() -> None:
    command = [sys.executable, "-m", "tests.fakes.copilot"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {told['github_token']}"}
        place = f"{told['url']}/api.github.com/user"
        assert requests.get(place, headers=headers, timeout=5).status_code == 200
        output, _ = process.communicate("revoke\n", timeout=10)
    assert json.loads(output)["path"] == "/user"

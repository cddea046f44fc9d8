"""The Terraform files: parsed, and their policies tried on an S3 server that asks who is calling.

Terraform itself is no package: `make terraform` runs it where it is installed. What the server cannot judge, the
conditions of policies, is read here.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import boto3
import hcl2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.airflow_api import AirflowError
from infra.host import LOCALHOST
from infra.landing.queue import heard
from infra.settings import Settings
from infra.store import PROBES
from pipeline.console.views.report import under_embargo
from pipeline.results.audit import HEADS
from pipeline.watching.health import health
from tests.catalogue import FROZEN
from tests.deploy.conftest import DEPLOY, ROOT
from tests.instruments import s3_server

TERRAFORM = DEPLOY / "terraform"
BUCKET = "desk"
FACTS = {
    "account": "123456789012",
    "bucket_arn": f"arn:aws:s3:::{BUCKET}",
    "key_arn": "arn:aws:kms:eu-west-2:123456789012:key/1",
    "queue_arn": "arn:aws:sqs:eu-west-2:123456789012:desk-bell",
    "releaser_arn": "arn:aws:iam::123456789012:role/desk-releaser",
    "centre": "64123",
}
ROLES = {
    "landing": ["landing"], "console": ["console"], "ingest": ["ingest"], "releaser": ["releaser", "ingest"],
    "reader": ["reader"],
}  # fmt: skip
"""The roles and the policies of each."""
GET, PUT, DELETE = "s3:GetObject", "s3:PutObject", "s3:DeleteObject"
ALL = (GET, PUT, DELETE)
PLACES: dict[str, dict[str, tuple[str, ...]]] = {
    "archive/ab": {"console": (GET,), "ingest": (GET, PUT)},
    "basedata/2024-06/O.X01": {"landing": (GET,), "ingest": (GET, PUT), "reader": (GET,)},
    "embargo/R.X01": {"releaser": (GET, PUT)},
    "feeds/staff/58201/a.csv": {"ingest": ALL},
    "inbox/58201/E.X01": {"ingest": ALL},
    "inbox/64123/E6412315.X01": {"landing": ALL, "ingest": ALL},
    "outbox/58201/R.X01": {"ingest": (GET, PUT)},
    "outbox/64123/R.X01": {"landing": (GET,), "ingest": (GET, PUT)},
    "portal/centres/1.csv": {"releaser": (GET, PUT)},
    f"{PROBES}0f": {"console": ALL, "ingest": ALL},
    "quarantine/58201/Q.X01": {"ingest": (GET, PUT), "reader": (GET,)},
    "reports/award/2024-06/1/index.html": {"console": (GET,), "releaser": (GET, PUT)},
    "reports/checkpoints/2024-06-entries.html": {"console": (GET,), "ingest": (GET, PUT), "reader": (GET,)},
    "reports/moderation/2024-06.html": {"console": (GET,), "ingest": (GET, PUT)},
    f"{HEADS}000000000001-ab.json": {"releaser": (GET, PUT)},
}
"""Who may do what at a key. What is not said here is refused; but the releaser may what ingest may."""
MAY = {
    (role, action, key)
    for key, said in PLACES.items()
    for role in ROLES
    for each in ROLES[role]
    for action in said.get(each, ())
}
KEYS = sorted(PLACES)


def policy(name: str) -> dict[str, Any]:
    """A policy as Terraform would fill it in."""
    text = (TERRAFORM / "policies" / f"{name}.json.tftpl").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(Template(text).substitute(FACTS))
    return found


def statements(name: str) -> dict[str, dict[str, Any]]:
    """Its statements by name."""
    return {statement["Sid"]: statement for statement in policy(name)["Statement"]}


@pytest.fixture(scope="module")
def resources() -> dict[tuple[str, str], dict[str, Any]]:
    """Every resource by type and name."""
    found = {}
    for path in sorted(TERRAFORM.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            for block in hcl2.load(file).get("resource", []):
                for kind, named in block.items():
                    for name, body in named.items():
                        found[_bare(kind), _bare(name)] = body
    return found


def _bare(text: str) -> str:
    return text.strip('"')


# --- What is declared ------------------------------------------------------------------------------------------------


def test_every_policy_is_used_and_every_one_that_is_used_is_there() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in TERRAFORM.glob("*.tf"))
    used = set(re.findall(r"policies/(\w+)\.json\.tftpl", text)) | set(ROLES) - {"landing"}
    assert "policies/${each.key}.json.tftpl" in text
    assert used == {path.name.removesuffix(".json.tftpl") for path in (TERRAFORM / "policies").iterdir()}


def test_the_bucket_keeps_locks_encrypts_and_is_nobody_elses(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert resources["aws_s3_bucket", "desk"]["object_lock_enabled"] is True
    [versioning] = resources["aws_s3_bucket_versioning", "desk"]["versioning_configuration"]
    assert _bare(versioning["status"]) == "Enabled"
    public = resources["aws_s3_bucket_public_access_block", "desk"]
    assert [public[name] for name in sorted(public) if name.startswith(("block", "ignore", "restrict"))] == [True] * 4
    for kind in ("server_side_encryption_configuration", "object_lock_configuration", "policy", "notification"):
        assert (
            f"aws_s3_bucket_{kind}",
            next(name for k, name in resources if k == f"aws_s3_bucket_{kind}"),
        ) in resources
    assert resources["aws_kms_key", "desk"]["enable_key_rotation"] is True


def test_nobody_sees_results_early_and_no_connection_is_open() -> None:
    found = statements("bucket")
    for name in ("NobodySeesResultsEarly", "NobodyListsThemEither"):
        assert found[name]["Principal"] == "*"
        assert found[name]["Effect"] == "Deny"
        assert found[name]["Condition"]["ArnNotEquals"] == {"aws:PrincipalArn": FACTS["releaser_arn"]}
    assert found["NobodySeesResultsEarly"]["Action"] == "s3:*"
    assert found["NobodySeesResultsEarly"]["Resource"] == f"{FACTS['bucket_arn']}/embargo/*"
    assert found["OnlyEncryptedConnections"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert "s3:DeleteObjectVersion" in found["NothingIsDestroyed"]["Action"]


def test_ops_7_a_head_of_the_chain_is_neither_removed_nor_replaced_by_anybody() -> None:
    found = statements("bucket")
    stay, added = found["HeadsOfTheChainStay"], found["AndNoneIsReplaced"]
    for statement in (stay, added):
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Resource"] == f"{FACTS['bucket_arn']}/{HEADS}*"
    assert "Condition" not in stay  # not even administrators
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"} <= set(stay["Action"])
    # A write that does not fail if the object exists.
    assert (added["Action"], added["Condition"]) == ("s3:PutObject", {"Null": {"s3:if-none-match": "true"}})


def test_no_role_may_do_everything() -> None:
    for role in ROLES:
        for statement in policy(role)["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            assert all("*" not in action for action in actions), (role, statement["Sid"])
            assert statement["Resource"] != "*", (role, statement["Sid"])


def test_only_the_releaser_reaches_what_is_under_embargo() -> None:
    reached = {role: " ".join(_resources(each) for each in policies) for role, policies in ROLES.items()}
    assert {role for role, text in reached.items() if "/embargo/" in text} == {"releaser"}
    releasers = (TERRAFORM / "roles.tf").read_text(encoding="utf-8").split('"releaser_is_more"')[1].split("\n}\n")[0]
    assert 'aws_iam_role.desk["releaser"].id' in releasers
    assert "policies/ingest.json.tftpl" in releasers


def test_every_kind_of_report_is_shown_to_those_who_may_see_it() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "pipeline").rglob("*.py"))
    # A constant of the job that writes it, or what a feed declares of its reports.
    kinds = set(re.findall(r'^(?:[A-Z_]+ = |    reports=)"reports/(.+?)/",?$', text, re.MULTILINE))
    assert len(kinds) == 11
    of_awarding = {"award", "boundaries", "corrections", "drift", "results"}
    assert all(under_embargo(f"{kind}/") for kind in of_awarding)
    for role, seen in {
        "ingest": kinds - of_awarding,
        "reader": {kind for kind in kinds if not under_embargo(f"{kind}/")},
    }.items():
        assert set(re.findall(r"/reports/(\S+)/\*", _resources(role))) == seen, role


def _resources(name: str) -> str:
    """What a policy is about, a line each."""
    found = [statement["Resource"] for statement in policy(name)["Statement"]]
    return "\n".join(line for resource in found for line in ([resource] if isinstance(resource, str) else resource))


def test_only_the_bucket_rings() -> None:
    [statement] = policy("queue")["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"]["ArnEquals"] == {"aws:SourceArn": FACTS["bucket_arn"]}


def test_a_centre_has_its_own_folders(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    user = resources["aws_transfer_user", "centre"]
    assert _bare(user["home_directory_type"]) == "LOGICAL"
    text = (TERRAFORM / "landing.tf").read_text(encoding="utf-8")
    assert re.findall(r'"(/\w+)"\s+= "/\$\{aws_s3_bucket.desk.id\}(\S+)"', text) == [
        ("/inbox", "/inbox/${each.key}"), ("/try", "/try/${each.key}"), ("/outbox", "/outbox/${each.key}"),
        ("/basedata", "/basedata"),
    ]  # fmt: skip


# --- What it does, on a server ---------------------------------------------------------------------------------------

Client = Callable[..., Any]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Client]]:
    """An S3 server over HTTP with IAM and SQS that lets everybody in, for now: its address, and clients of it. Of these
    tests alone, as it will ask who is calling."""
    with s3_server(tmp_path_factory.mktemp("moto") / "log") as port:
        address = f"http://{LOCALHOST}:{port}"

        def client(service: str, key: str = "testing", secret: str = "testing") -> Any:
            make: Any = boto3.client  # its type wants the service's name as a literal
            return make(
                service, endpoint_url=address, region_name="eu-west-2", aws_access_key_id=key,
                aws_secret_access_key=secret, config=Config(retries={"max_attempts": 1}),
            )  # fmt: skip

        yield address, client


@pytest.fixture(scope="module")
def bucket(aws: tuple[str, Client]) -> Any:
    """The bucket as it is declared, with a file in every place; a client that may do everything."""
    s3 = aws[1]("s3")
    s3.create_bucket(
        Bucket=BUCKET, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"as it was")
    return s3


def test_the_bell_rings_for_what_lands_and_for_nothing_else(
    aws: tuple[str, Client], bucket: Any, resources: dict[tuple[str, str], dict[str, Any]]
) -> None:
    sqs = aws[1]("sqs")
    url = sqs.create_queue(QueueName="desk-bell", Attributes={"Policy": json.dumps(policy("queue"))})["QueueUrl"]
    rule = {"QueueArn": FACTS["queue_arn"], "Events": ["s3:ObjectCreated:*"]}
    rung_for = [
        rule | {"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": _bare(declared["filter_prefix"])}]}}}
        for declared in resources["aws_s3_bucket_notification", "bell"]["queue"]
    ]
    bucket.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": rung_for}
    )
    sqs.purge_queue(QueueUrl=url)  # S3 tries a new bell
    bucket.put_object(Bucket=BUCKET, Key="outbox/64123/X.X01", Body=b"")
    bucket.put_object(Bucket=BUCKET, Key=f"{PROBES}0f", Body=b"")
    bucket.put_object(Bucket=BUCKET, Key="inbox/64123/A.X02", Body=b"")
    bucket.put_object(Bucket=BUCKET, Key="try/64123/A.X02", Body=b"")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    rung = [record["s3"]["object"]["key"] for message in messages for record in json.loads(message["Body"])["Records"]]
    assert [key.replace("%2F", "/") for key in rung] == ["inbox/64123/A.X02", "try/64123/A.X02"]


def test_many_messages_ring_once_and_none_is_lost_when_nobody_answers(aws: tuple[str, Client]) -> None:
    sqs = aws[1]("sqs")
    url = sqs.create_queue(QueueName="many")["QueueUrl"]
    for number in range(23):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    handles: list[str] = []

    def note(parsed: dict[str, Any], **_: object) -> None:
        handles.extend(message["ReceiptHandle"] for message in parsed.get("Messages", ()))

    sqs.meta.events.register("after-call.sqs.ReceiveMessage", note)

    def fails() -> None:
        raise AirflowError("not now")

    with pytest.raises(AirflowError):
        heard(sqs, url, fails)
    for handle in handles:  # as the queue does when some time has gone by
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    rung: list[str] = []
    assert heard(sqs, url, lambda: rung.append("ingest")) == 23
    assert rung == ["ingest"]
    assert heard(sqs, url, lambda: rung.append("again"), seconds=0) == 0
    assert rung == ["ingest"]


def test_what_is_taken_away_or_replaced_is_still_there(bucket: Any) -> None:
    key = "inbox/58201/kept.X01"
    retained = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"}
    first = bucket.put_object(Bucket=BUCKET, Key=key, Body=b"first", **retained)["VersionId"]
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"second", **retained)
    bucket.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(ClientError, match="NoSuchKey"):
        bucket.get_object(Bucket=BUCKET, Key=key)
    assert bucket.get_object(Bucket=BUCKET, Key=key, VersionId=first)["Body"].read() == b"first"
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete_object(Bucket=BUCKET, Key=key, VersionId=first)


def test_a_role_may_do_what_it_must_and_nothing_else(
    aws: tuple[str, Client], bucket: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address, client = aws
    iam, keys = client("iam"), {}
    for role, policies in ROLES.items():
        iam.create_user(UserName=role)
        for each in policies:
            iam.put_user_policy(UserName=role, PolicyName=each, PolicyDocument=json.dumps(policy(each)))
        keys[role] = iam.create_access_key(UserName=role)["AccessKey"]
    callers = {role: client("s3", key["AccessKeyId"], key["SecretAccessKey"]) for role, key in keys.items()}
    # From here on the server asks who is calling.
    plain = {"Content-Type": "text/plain"}
    now = urllib.request.Request(f"{address}/moto-api/reset-auth", data=b"0", headers=plain, method="POST")
    urllib.request.urlopen(now).close()
    done = {
        (role, action, key)
        for role, caller in callers.items()
        for key in KEYS
        for action in (GET, PUT, DELETE)
        if _allowed(caller, action, key)
    }
    assert done == MAY

    # The health page of the API server uses the store as it does.
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    said = {}
    for role in ("console", "ingest", "releaser", "reader"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[role]["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[role]["SecretAccessKey"])
        parts = health(Settings(catalogue=FROZEN, state=tmp_path, store=f"s3://{BUCKET}"), "", datetime.now(UTC))
        said[role] = next(part.wrong for part in parts if part.name == "store")
    assert said.pop("reader").startswith("the store cannot be written and read")
    assert set(said.values()) == {""}


def _allowed(caller: Any, action: str, key: str) -> bool:
    try:
        if action == GET:
            caller.get_object(Bucket=BUCKET, Key=key)
        elif action == PUT:
            caller.put_object(Bucket=BUCKET, Key=key, Body=b"rewritten")
        else:  # of a thing that is not there, which leaves the others' for those who come after
            caller.delete_object(Bucket=BUCKET, Key=f"{key}.gone")
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def test_the_files_are_read_by_terraforms_language(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(TERRAFORM).glob("*.tf")))
    assert len(resources) == len(re.findall(r"^resource ", text, re.MULTILINE)) > 20

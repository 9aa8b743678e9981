"""The JSON Schemas and their examples agree, and so do the documents of real engines and of our own
binary. The unit tests run the same examples through the decoders."""

import json
import pathlib
import unittest
import warnings

from netstack_support import NetstackTest, attachment, main, network, port, request

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jsonschema
except ImportError:
    jsonschema = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ("network", "plugin-call", "setup-request", "create-request", "status", "doctor", "plan", "repair", "firewall")


def validators():
    documents = {name: json.loads((ROOT / f"schemas/{name}.schema.json").read_text()) for name in SCHEMAS}
    store = {document["$id"]: document for document in documents.values()}
    made = {}
    for name, document in documents.items():
        jsonschema.Draft202012Validator.check_schema(document)
        resolver = jsonschema.RefResolver(document["$id"], document, store=store)
        made[name] = jsonschema.Draft202012Validator(
            document, resolver=resolver, format_checker=jsonschema.FormatChecker(["ipv4", "ipv6"])
        )
    return made


def examples(kind, schema):
    return sorted((ROOT / "schemas/examples" / kind / schema).glob("*.json"))


@unittest.skipUnless(jsonschema, "needs python3-jsonschema")
class Examples(unittest.TestCase):
    def setUp(self):
        self.validators = validators()

    def check(self, kind, schema, is_valid):
        paths = examples(kind, schema)
        self.assertNotEqual(paths, [])
        for path in paths:
            with self.subTest(example=f"{kind}/{schema}/{path.name}"):
                errors = [error.message[:200] for error in self.validators[schema].iter_errors(json.loads(path.read_text()))]
                self.assertEqual(not errors, is_valid, errors)

    def test_valid_examples_satisfy_their_schema(self):
        for schema in SCHEMAS:
            self.check("valid", schema, True)

    def test_invalid_examples_do_not(self):
        for schema in SCHEMAS:
            self.check("invalid", schema, False)

    def test_contradictory_examples_do_as_only_a_decoder_sees_what_is_wrong(self):
        for schema in ("network", "setup-request", "create-request"):
            self.check("contradictory", schema, True)

    def test_what_a_real_engine_sent_and_got_satisfies_the_schemas(self):
        directory = ROOT / "tests/data/podman"
        for pattern, schema in (("*.stdin.json", "setup-request"), ("*.stdout.json", "status")):
            paths = sorted(directory.glob(pattern))
            self.assertNotEqual(paths, [])
            for path in paths:
                self.validators[schema].validate(json.loads(path.read_text()))


@unittest.skipUnless(jsonschema, "needs python3-jsonschema")
class Answers(NetstackTest):
    def test_what_setup_prints_satisfies_the_schema(self):
        checked = validators()
        document = request(
            "c",
            attachment(network("a", "10.1.0.0/24", "fd00:1::/64", dns_enabled=True), "10.1.0.2", "fd00:1::2"),
            (network("bare", ipam_options={"driver": "none"}, subnets=None), {}),
            ports=[port(8080, 80)],
        )
        checked["setup-request"].validate(document)
        checked["status"].validate(self.setup_ok(self.container("c"), document))

    def test_what_create_prints_satisfies_the_schema(self):
        checked = validators()
        for path in examples("valid", "create-request"):
            with self.subTest(example=path.name):
                document = json.loads(path.read_text())
                parent = document["network"].get("network_interface")
                if document["network"]["driver"] == "macvlan":
                    self.machine.sh("ip", "link", "add", parent, "type", "bridge")
                outcome = self.netstack.run("create", document=document)
                self.assertEqual(outcome.code, 0, outcome)
                checked["network"].validate(json.loads(outcome.out))

    def test_what_doctor_prints_satisfies_the_schema(self):
        outcome = self.netstack.run("doctor", "--format", "json")
        validators()["doctor"].validate(json.loads(outcome.out))

    def test_what_plan_prints_satisfies_the_schema(self):
        checked = validators()["plan"]
        document = request("c", attachment(network("a", "10.1.0.0/24"), "10.1.0.2"), ports=[port(8080, 80)])
        container = self.container("c")
        for command in ("setup", "teardown", "setup"):  # of nothing, and of what stands
            outcome = self.netstack.run("plan", command, container.path, "--format", "json", document=document)
            checked.validate(json.loads(outcome.out))
            self.setup_ok(container, document)

    def test_the_invalid_and_contradictory_examples_are_refused_by_the_program(self):
        container = self.container("c")
        for kind in ("invalid", "contradictory"):
            for path in examples(kind, "setup-request"):
                with self.subTest(example=path.name):
                    self.assertNotEqual(self.netstack.setup(container, path.read_text()).error, "")
        self.assertEqual((container.links(), self.machine.links()), ({"lo"}, {"lo"}))


if __name__ == "__main__":
    main()

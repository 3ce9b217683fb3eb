"""Changes planted in the document that drew the traffic: each must be told once, in the right class.

The changed document is held against the export of the traffic that the unchanged one drew. What is
told then and was not told before must be the change and nothing else. A change in a schema is made in
a copy that is used in one place alone: what is told of the copy before it is changed was told before.
"""
import copy
import random
import re
import urllib.parse

EACH = 3
SEEN_MIN = 40
KINDS = {
    "field": ("undocumented_field", "additive"),
    "type": ("type_drift", "breaking"),
    "parameter": ("missing_parameter", "additive"),
    "operation": ("shadow_operation", "additive"),
    "value": ("enum_drift", "notice"),
    "status": ("undocumented_status", "notice"),
    "media": ("undocumented_media", "notice"),
}


def shape(path):
    return ["{}" if "{" in part else part for part in path.split("?")[0].split("#")[0].strip("/").split("/")]


def may_be(one, other):
    """Whether a request could be of both paths."""
    return len(one) == len(other) and all(a == b or "{}" in (a, b) for a, b in zip(one, other))


class Planter:
    def __init__(self, oracle, export, told, seed=5):
        self.oracle, self.told, self.random = oracle, told, random.Random(seed)
        self.places = [one["place"] for one in told["differences"] + told["thin"]]
        self.observed = {}
        for path, item in export["paths"].items():
            for method, operation in item.items():
                if isinstance(operation, dict) and operation.get("x-tapline", {}).get("n", 0) >= SEEN_MIN:
                    self.observed[method, path] = operation

    def pairs(self):
        """Operations that only one documented and one seen path can be, with what was seen of them, in a random order."""
        keys = sorted(self.oracle.operations)
        self.random.shuffle(keys)
        for path, method in keys:
            base = self.oracle.base()
            others = [other for other, verb in self.oracle.operations
                      if verb == method and other != path and may_be(shape(path), shape(other))]
            found = [seen for verb, seen in self.observed if verb == method and may_be(shape(base + path), shape(seen))]
            if len(found) == 1 and not others and shape(base + path) == shape(found[0]):
                yield path, method, self.observed[method, found[0]]

    def answers(self):
        """Operations whose answers are plain objects of which nothing is told yet: their schemas, documented and seen."""
        for path, method, seen in self.pairs():
            for status in ("200", "201"):
                raw = self.oracle.deref(self.oracle.operations[path, method].raw.get("responses", {}).get(status, {}))
                holder = raw if self.oracle.is_old else (raw.get("content") or {}).get("application/json") or {}
                schema = self.oracle.deref(holder.get("schema", {}))
                found = seen.get("responses", {}).get(status, {}).get("content", {}).get("application/json", {}).get("schema", {})
                plain = not any(word in schema for word in ("allOf", "anyOf", "oneOf"))
                named = re.findall(r"[^/]+$", holder.get("schema", {}).get("$ref", ""))
                at = "/components/schemas/" + (named or ["?"])[0].replace("~", "~0") + "/"
                is_clean = not any(place.startswith(at) for place in self.places) and named
                if plain and is_clean and isinstance(schema.get("properties"), dict) and found.get("properties"):
                    yield path, method, status, schema, found
                    break

    def is_referred_to(self, path):
        """Whether the document points into an operation of that path: then it stands for others, too."""
        start = "#/paths/" + path.replace("~", "~0").replace("/", "~1") + "/"
        return any(urllib.parse.unquote(reference).startswith(start) for reference in self.oracle.references)

    def planted(self, what):
        """Changed documents, and what each was before, if that is not the document itself."""
        made, is_of_schema = 0, what in ("field", "type", "value")
        for one in self.answers() if is_of_schema else self.pairs():
            if self.is_referred_to(one[0]):
                continue
            changed = copy.deepcopy(self.oracle.document)
            if getattr(self, what)(changed, *one):
                before = copy.deepcopy(self.oracle.document) if is_of_schema else None
                if before:
                    self.take_out(before, *one[:4])
                yield changed, before, one[:2]
                made += 1
                if made == EACH:
                    return

    def operation_of(self, changed, path, method):
        item = changed["paths"][path]
        return item.get(method) if "$ref" not in item else None

    def take_out(self, changed, path, method, status, schema):
        """A copy of the schema of an answer, used there alone."""
        operation = self.operation_of(changed, path, method)
        if operation is None or "$ref" in operation["responses"][status]:
            return None
        response = operation["responses"][status]
        holder = response if self.oracle.is_old else response["content"]["application/json"]
        holder["schema"] = copy.deepcopy(schema)
        return holder["schema"]

    def often(self, schema, found):
        """Members that were nearly always there, with what was seen of them."""
        for name, seen in sorted(found["properties"].items()):
            evidence = seen.get("x-tapline", {})
            if name in schema["properties"] and evidence.get("n", 0) >= SEEN_MIN and evidence["n"] == evidence.get("of"):
                yield name, seen

    def field(self, changed, path, method, status, schema, found):
        names = [name for name, _ in self.often(schema, found)]
        own = self.take_out(changed, path, method, status, schema)
        if own is None or not names or len(schema["properties"]) < 2 or schema.get("additionalProperties"):
            return False
        name = self.random.choice(names)
        del own["properties"][name]
        own["required"] = [other for other in own.get("required") or [] if other != name]
        if not own["required"]:
            del own["required"]
        return schema.get("additionalProperties") is not False

    def type(self, changed, path, method, status, schema, found):
        names = [name for name, seen in self.often(schema, found) if seen.get("type") in ("string", "object", "array", "integer")]
        own = self.take_out(changed, path, method, status, schema)
        if own is None or not names:
            return False
        own["properties"][self.random.choice(names)] = {"type": "boolean"}
        return True

    def value(self, changed, path, method, status, schema, found):
        lists = [(name, seen["enum"]) for name, seen in self.often(schema, found)
                 if len(seen.get("enum", [])) > 1 and "enum" in self.oracle.deref(schema["properties"][name])]
        own = self.take_out(changed, path, method, status, schema)
        if own is None or not lists:
            return False
        name, values = self.random.choice(lists)
        own["properties"][name] = {"type": "string", "enum": sorted(map(str, values))[1:]}
        return all(isinstance(value, str) for value in values)

    def parameter(self, changed, path, method, _):
        operation = self.operation_of(changed, path, method)
        if operation is None:
            return False
        said = {"type": "string"} if self.oracle.is_old else {"schema": {"type": "string"}}
        parameter = dict(said, name="taplinePlanted", required=True)
        parameter["in"] = "query"
        operation["parameters"] = (operation.get("parameters") or []) + [parameter]
        return True

    def operation(self, changed, path, method, _):
        return changed["paths"][path].pop(method, None) is not None

    def status(self, changed, path, method, seen):
        operation = self.operation_of(changed, path, method)
        if operation is None or {"default", "2XX"} & set(operation["responses"]):
            return False
        often = [status for status, one in seen["responses"].items()
                 if status.startswith("2") and one.get("x-tapline", {}).get("n", 0) >= SEEN_MIN and status in operation["responses"]]
        if not often or len(operation["responses"]) < 2:
            return False
        del operation["responses"][often[0]]
        return True

    def media(self, changed, path, method, seen):
        operation = self.operation_of(changed, path, method)
        for status, one in seen["responses"].items():
            said = (operation or {}).get("responses", {}).get(status, {}).get("content")
            counted = one.get("content", {}).get("application/json", {}).get("x-tapline", {}).get("n", 0)
            if status.startswith("2") and counted >= SEEN_MIN and said and list(said) == ["application/json"]:
                said["application/xml"] = said.pop("application/json")
                return True
        return False


def check(planter, compare):
    """How many of each kind were planted and told rightly, and what was told otherwise."""
    known = {one["id"] for one in planter.told["differences"] + planter.told["thin"]}
    score, wrong = {}, []
    for what, expected in KINDS.items():
        planted = right = 0
        for changed, before, where in planter.planted(what):
            told, copied = compare(changed), compare(before) if before else {"differences": [], "thin": []}
            old = known | {one["id"] for one in copied["differences"] + copied["thin"]}
            fresh = [one for one in told["differences"] + told["thin"] if one["id"] not in old]
            planted += 1
            if [(one["kind"], one["class"]) for one in fresh] == [expected]:
                right += 1
            else:
                wrong.append((what, where, fresh))
        score[what] = (planted, right)
    return score, wrong

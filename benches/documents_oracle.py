"""Judges reported differences by the transactions that were sent: the other program of documents.py.

A document is read as JSON Schema reads it; nothing of ours is used. Of a difference it is asked
whether a transaction shows what is reported, and whether the document says otherwise.
"""
import collections
import contextlib
import copy
import json
import re

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing.exceptions import Unresolvable

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
KEPT = ("$ref", "type", "enum", "properties", "required", "items", "allOf", "anyOf", "oneOf", "additionalProperties", "nullable")
FORMATS = {
    "uuid": r"(?i)[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
    "date": r"\d{4}-\d\d-\d\d",
    "date-time": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "ipv4": r"(\d{1,3}\.){3}\d{1,3}",
    "ipv6": r"(?i)[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*",
    "jwt": r"eyJ[\w-]+\.[\w-]+\.[\w-]*",
}
FORMATS["url"] = FORMATS["uri"]


def fits_one(validator, choices, value, _):
    """That just one of several fits is not judged."""
    if not any(validator.evolve(schema=choice).is_valid(value) for choice in choices):
        yield ValidationError("fits none")


Judge = validators.extend(Draft202012Validator, {"oneOf": fits_one})


def slots_of(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def pattern(template):
    parts = re.split(r"(\{[^}]*\}|~[0-9a-f]{6})", template.rstrip("/"))
    return re.compile("".join("[^/]+" if part[:1] in "{~" and part else re.escape(part) for part in parts) + "/*")


def kind(value):
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    return names.get(type(value), "array")


class Operation:
    def __init__(self, key, raw):
        self.key, self.raw, self.sent = key, raw, []
        self.parameters, self.body, self.needs_body, self.responses, self.security = {}, None, False, {}, None


class Oracle:
    def __init__(self, document, folder):
        self.document = document
        self.is_old = "swagger" in document
        self.operations, by_drawn = {}, collections.defaultdict(list)
        for path, item in document["paths"].items():
            item = self.deref(item)
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    operation = self.operations[path, method] = self.operation(path, method, item)
                    by_drawn[method.upper(), self.base() + slots_of(path.split("?")[0].split("#")[0])].append(operation)
        self.draw(folder, by_drawn)
        plain = {name: document[name] for name in ("definitions", "components") if name in document}
        self.reduced = self.reduce(dict(copy.deepcopy(plain), paths=copy.deepcopy(document["paths"])))
        self.validators, self.by_template = {}, {}
        self.references = set(re.findall(r'"\$ref": "(#[^"]+)"', json.dumps(document)))

    def draw(self, folder, by_drawn):
        """Every transaction, at the operations that drew it; several when none can tell them apart."""
        with open(folder / "truth.tsv") as truth:
            truth = (line.rstrip("\n").split("\t") for line in truth)
            self.drawn = []
            for line in map(json.loads, open(folder / "sent.jsonl")):
                if line["client"].startswith("198.51.100."):
                    continue
                method, _, template, _ = next(truth)
                line["path"] = line["target"].split("?")[0]
                template = re.sub(r"\{=[^}]*\}", "{}", template)
                line["by"] = by_drawn[method, template]
                for operation in line["by"]:
                    operation.sent.append(line)
                self.drawn.append(line)

    def base(self):
        if self.document.get("basePath"):
            return self.document["basePath"].rstrip("/")
        servers = self.document.get("servers") or [{}]
        found = re.match(r"(?:(?:https?:)?//[^/]*)?(/[^{}]*)?$", servers[0].get("url", ""))
        return ((found.group(1) or "") if found else "").rstrip("/")

    # Reading the document.

    def deref(self, node):
        for _ in range(20):
            if not (isinstance(node, dict) and isinstance(node.get("$ref"), str)):
                break
            reference, node = node["$ref"], self.document
            for part in reference[2:].split("/"):
                part = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
                node = node.get(part, {}) if isinstance(node, dict) else node[int(part)]
        return node

    def operation(self, path, method, item):
        raw = item[method]
        operation = Operation((path, method), raw)
        listed = {}
        for parameter in (item.get("parameters") or []) + (raw.get("parameters") or []):
            parameter = self.deref(parameter)
            listed[parameter.get("in"), parameter.get("name")] = parameter
        form, forms = {}, raw.get("consumes") or self.document.get("consumes") or ["application/json"]
        for (where, name), parameter in listed.items():
            if where == "body":
                operation.body = {media: parameter.get("schema", {}) for media in forms}
                operation.needs_body = parameter.get("required", False)
            elif where == "formData":
                form[name] = parameter
            else:
                key = name.lower() if where == "header" else name
                operation.parameters[where, key] = parameter
        if form:
            operation.body = {media: {"type": "object", "properties": form} for media in forms}
        if "requestBody" in raw:
            body = self.deref(raw["requestBody"])
            operation.body = {name: media.get("schema", {}) for name, media in (body.get("content") or {}).items()}
            operation.needs_body = body.get("required", False)
        made = raw.get("produces") or self.document.get("produces") or ["application/json"]
        for status, response in (raw.get("responses") or {}).items():
            response = self.deref(response)
            if "content" in response:
                content = {name: media.get("schema", {}) for name, media in response["content"].items()}
            else:
                content = {media: response["schema"] for media in made} if "schema" in response else {}
            operation.responses[str(status).upper()] = content
        operation.security = raw.get("security", self.document.get("security"))
        return operation

    def reduce(self, node, is_names=False):
        """What is judged of schemas, as JSON Schema says it."""
        if isinstance(node, list):
            return [self.reduce(one) for one in node]
        if not isinstance(node, dict):
            return node
        if is_names or not any(word in node for word in KEPT):
            return {name: self.reduce(one) for name, one in node.items()}
        if isinstance(node.get("$ref"), str):
            return {"$ref": node["$ref"]}
        out = {}
        for word, one in node.items():
            if word in ("properties", "definitions", "schemas"):
                out[word] = self.reduce(one, True) if isinstance(one, dict) else one
            elif word == "required" and not isinstance(one, list) or word in ("example", "examples", "default"):
                continue
            else:
                out[word] = self.reduce(one)
        if (node.get("nullable") or node.get("x-nullable")) and isinstance(out.get("type"), str):
            out["type"] = [out["type"], "null"]
            if "enum" in out:
                out["enum"] = out["enum"] + [None]
        if out.get("type") == "file":
            del out["type"]
        return out

    def is_valid(self, schema, value):
        """By jsonschema, with the references of the document."""
        if id(schema) not in self.validators:
            whole = dict(self.reduced, allOf=[self.reduce(copy.deepcopy(schema))])
            self.validators[id(schema)] = Judge(whole)
        return self.validators[id(schema)].is_valid(value)

    def find(self, tokens):
        """The schemas at a place as the product names it, in the document as it is. What is referred to
        and stands elsewhere than schemas should has its last word for a name, and a number if that is taken."""
        if tokens[:2] == ["components", "schemas"]:
            schemas = self.document.get("definitions") if self.is_old else self.document["components"].get("schemas")
            if tokens[2] in (schemas or {}):
                return [self.below(schemas[tokens[2]], tokens[3:])]
            is_named = lambda word: tokens[2] == word or re.fullmatch(re.escape(word) + r"_\d+", tokens[2])
            found = []
            for reference in sorted(self.references):
                if is_named(re.sub(r"[^A-Za-z0-9._-]", "_", reference.rsplit("/", 1)[1])):
                    with contextlib.suppress(KeyError, IndexError, TypeError):
                        found.append(self.below({"$ref": reference}, tokens[3:]))
            return found or [schemas[tokens[2]]]
        return [self.find_in_operation(tokens)]

    def find_in_operation(self, tokens):
        operation, rest = self.operations[tokens[1], tokens[2]], tokens[3:]
        if rest[0] == "parameters":
            parameter = operation.parameters[rest[1], rest[2]]
            return self.below(parameter.get("schema", parameter), rest[4:])
        if rest[0] == "requestBody":
            return self.below(operation.body[rest[2]], rest[4:])
        return self.below(operation.responses[rest[1].upper()][rest[3]], rest[5:])

    def below(self, schema, tokens):
        """A reference that may be null is an alternative as the product has it."""
        schema, tokens = self.deref(schema), list(tokens)
        while tokens:
            token = tokens.pop(0)
            if token == "anyOf" and token not in schema and schema.get("nullable"):
                tokens.pop(0)
                continue
            schema = self.deref(schema[int(token)] if isinstance(schema, list) else schema[token])
        return schema

    # What schemas say.

    def parts(self, schema, seen=()):
        """A schema and all that it is composed of."""
        schema = self.deref(schema)
        if id(schema) in seen or not isinstance(schema, dict):
            return
        yield schema
        for word in ("allOf", "anyOf", "oneOf"):
            for one in schema.get(word) or []:
                yield from self.parts(one, seen + (id(schema),))

    def always(self, schema, depth=0):
        """Members that a schema requires, in each of its alternatives."""
        schema = self.deref(schema)
        names = set(schema.get("required") or []) if isinstance(schema.get("required"), list) else set()
        if depth < 12:
            names.update(*(self.always(one, depth + 1) for one in schema.get("allOf") or []))
            for word in ("anyOf", "oneOf"):
                if schema.get(word):
                    names |= set.intersection(*(self.always(one, depth + 1) for one in schema[word]))
        return names

    def places(self, schemas, value, depth=0):
        """Every value of a body with the schemas that describe it and all their parts."""
        parts = [part for schema in schemas for part in self.parts(schema)]
        yield schemas, parts, value
        if depth > 24:
            return
        if isinstance(value, dict):
            for name, member in value.items():
                named = [part["properties"][name] for part in parts if name in (part.get("properties") or {})]
                other = [part["additionalProperties"] for part in parts
                         if isinstance(part.get("additionalProperties"), dict) and name not in (part.get("properties") or {})]
                if named or other:
                    yield from self.places(named + other, member, depth + 1)
        elif isinstance(value, list):
            items = [part["items"] for part in parts if isinstance(part.get("items"), dict)]
            for element in value if items else ():
                yield from self.places(items, element, depth + 1)

    def said(self, operation, status):
        """The response that a document has for a status."""
        for key in (str(status), "%dXX" % (status // 100), "DEFAULT"):
            if key in operation.responses:
                return operation.responses[key]
        return None

    # What was sent.

    def of_template(self, one):
        """The transactions of the operations that a difference names."""
        found = {}
        for named in one["operations"]:
            key = named["method"], named["path"]
            if key not in self.by_template:
                known = pattern(named["path"])
                self.by_template[key] = [
                    (at, line) for at, line in enumerate(self.drawn)
                    if line["method"] == key[0] and known.fullmatch(line["path"])]
            found.update(self.by_template[key])
        return found.values()

    def bodies(self, lines, side):
        for line in lines:
            name = "req_body" if side == "request" else "resp_body"
            if line[name] and (side == "response" or line["status"] < 400):
                for operation in line["by"]:
                    content = operation.body if side == "request" else self.said(operation, line["status"])
                    media = [schema for form, schema in (content or {}).items() if "json" in form or form == "*/*"]
                    if side not in line:
                        line[side] = None
                        with contextlib.suppress(ValueError):  # The generator cuts what is long.
                            line[side] = json.loads(line[name])
                    if line[side] is not None:
                        yield line, media, line[side]

    def query(self, line):
        return {part.split("=")[0] for part in line["target"].partition("?")[2].split("&") if part}

    # The judgement.

    def judge(self, differences):
        for one in differences:
            tokens = [part.replace("~1", "/").replace("~0", "~") for part in one["place"].split("/")[1:]]
            try:
                is_shown = bool(getattr(self, one["kind"])(one, tokens))
                yield one, is_shown or any(self.is_shown_beside(one, tokens, path) for path in self.beside(one, tokens))
            except (KeyError, IndexError, TypeError, Unresolvable) as error:
                yield dict(one, observed="%s [cannot be judged: %.60r]" % (one["observed"], error)), False

    def beside(self, one, tokens):
        """Of a template that several operations drew nobody can tell which showed a difference: what none
        of them allows is told at the first."""
        if tokens[0] != "paths" or one["kind"] in ("shadow_operation", "old_version"):
            return set()
        return {operation.key[0] for line in self.of_template(one) for operation in line["by"]} - {tokens[1]}

    def is_shown_beside(self, one, tokens, path):
        with contextlib.suppress(KeyError, IndexError, TypeError, Unresolvable):
            return bool(getattr(self, one["kind"])(one, tokens[:1] + [path] + tokens[2:]))
        return False

    def at(self, tokens):
        return self.operations[tokens[1], tokens[2]]

    def shadow_operation(self, one, tokens):
        return any(not line["by"] for line in self.of_template(one))

    old_version = shadow_operation

    def base_path(self, one, tokens):
        bases = [self.document.get("basePath", "")]
        for server in self.document.get("servers") or []:
            variables = server.get("variables") or {}
            url = re.sub(r"\{(\w+)\}", lambda name: variables.get(name.group(1), {}).get("default", ""), server["url"])
            bases.append("/" + re.sub(r"^(https?:)?//[^/]*", "", url).strip("/"))
        return not any(line["path"].startswith(base.rstrip("/") + "/") for line in self.drawn for base in bases if base)

    def orphan_operation(self, one, tokens):
        return not any(line["status"] < 400 for line in self.at(tokens).sent)

    def zombie_operation(self, one, tokens):
        return self.at(tokens).raw.get("deprecated") is True and any(line["status"] < 400 for line in self.at(tokens).sent)

    def undocumented_parameter(self, one, tokens):
        operation, (where, name) = self.at(tokens), tokens[4:6]
        is_sent = any(name in self.query(line) for line in operation.sent)
        return where == "query" and is_sent and (where, name) not in operation.parameters

    def missing_parameter(self, one, tokens):
        operation, (where, name) = self.at(tokens), tokens[4:6]
        said = operation.parameters.get((where, name), {}).get("required")
        there = (lambda line: name in self.query(line)) if where == "query" else (
            lambda line: name in {header.lower() for header, _ in line["req_headers"]})
        return said and any(line["status"] < 400 and not there(line) for line in operation.sent)

    def undocumented_status(self, one, tokens):
        """What the default fits is documented."""
        operation, status = self.at(tokens), int(tokens[4])
        sent = [line for line in operation.sent if line["status"] == status]
        content = self.said(operation, status)
        if content is None:
            return sent
        if str(status) in operation.responses or "%dXX" % (status // 100) in operation.responses:
            return False
        strange = [line for line, media, body in self.bodies(sent, "response")
                   if not any(self.is_valid(schema, body) for schema in media)]
        return strange or self.is_foreign(sent, content)

    def is_foreign(self, sent, content):
        """Whether a body holds a member that no part of the default names, at its root."""
        for _, media, body in self.bodies(sent, "response"):
            named = {name for schema in media for part in self.parts(schema) for name in part.get("properties") or {}}
            if named and isinstance(body, dict) and set(body) - named:
                return True
        return False

    def undocumented_body(self, one, tokens):
        if one["side"] == "request":
            return self.at(tokens).body is None and any(line["req_body"] for line in self.at(tokens).sent)
        sent = [line for line in self.at(tokens).sent if line["resp_body"]]
        is_of = lambda line: tokens[4].upper() in (str(line["status"]), "%dXX" % (line["status"] // 100), "DEFAULT")
        return any(is_of(line) and self.said(self.at(tokens), line["status"]) == {} for line in sent)

    def undocumented_media(self, one, tokens):
        operation = self.at(tokens)
        content = operation.body if one["side"] == "request" else operation.responses[tokens[4].upper()]
        plain = [name.split(";")[0].strip() for name in content]
        return tokens[-1] == "application/json" and not {"application/json", "application/*", "*/*"} & set(plain)

    def missing_body(self, one, tokens):
        return self.at(tokens).needs_body and any(line["status"] < 400 and not line["req_body"] for line in self.at(tokens).sent)

    def auth_drift(self, one, tokens):
        return any("Authorization" not in dict(line["req_headers"]) for line in self.at(tokens).sent)

    def of_place(self, one, tokens, nodes):
        """Values of the part of the document at a place, with the schemas that describe them."""
        lines = self.of_template(one)
        if tokens[0] == "paths" and tokens[3] == "parameters":
            for line in lines:
                yield from self.of_parameter(line, tokens, nodes[0])
            return
        for _, media, body in self.bodies(lines, one["side"]):
            for schemas, parts, value in self.places(media, body):
                if any(part is one for part in parts for one in nodes):
                    yield schemas, parts, value

    def of_parameter(self, line, tokens, node):
        where, name = tokens[4:6]
        if where == "path":
            template = self.base() + tokens[1].split("?")[0].split("#")[0]
            known = re.compile("/".join("([^/]+)" if part == "{%s}" % name else re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(part))
                                        for part in template.split("/")))
            found = known.fullmatch(line["path"])
            texts = [found.group(1)] if found else []
        else:
            texts = [part.split("=")[1] for part in line["target"].partition("?")[2].split("&") if part.startswith(name + "=")]
        for text in texts:
            value = int(text) if re.fullmatch(r"-?\d+", text) else {"true": True, "false": False}.get(text, text)
            yield [node], list(self.parts(node)), value

    def type_drift(self, one, tokens):
        for schemas, _, value in self.of_place(one, tokens, self.find(tokens)):
            if kind(value) in one["observed"].replace(" or", ",").split(", ") or kind(value) in one["observed"]:
                shallow = {} if isinstance(value, dict) else [] if isinstance(value, list) else value
                loose = lambda schema: self.is_type(schema, shallow)
                if not any(map(loose, schemas)) and not any(self.is_valid(schema, value) for schema in schemas):
                    return True
        return False

    def is_type(self, schema, value, depth=0):
        """Whether a schema allows the type of a value, whatever is in it."""
        schema = self.deref(schema)
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if schema.get("nullable") or schema.get("x-nullable"):
            types = types + ["null"]
        fits = not types or kind(value) in types or (kind(value) == "integer" and "number" in types) or "file" in types
        if depth > 12:
            return fits
        below = lambda one: self.is_type(one, value, depth + 1)
        return (fits and all(map(below, schema.get("allOf") or []))
                and all(any(map(below, schema[word])) for word in ("anyOf", "oneOf") if schema.get(word)))

    def enum_drift(self, one, tokens):
        nodes = self.find(tokens)
        found = self.of_place(one, tokens, nodes)
        listed = {str(known) for node in nodes for known in node["enum"]}
        return any(value is not None and not any(self.is_valid(schema, value) for schema in schemas)
                   and str(value) not in listed for schemas, _, value in found)

    def format_drift(self, one, tokens):
        nodes = self.find(tokens)
        said, seen = nodes[0].get("format"), one["observed"]
        for _, _, value in self.of_place(one, tokens, nodes):
            if said == "int32":
                if isinstance(value, int) and not -(2 ** 31) <= value < 2 ** 31:
                    return True
            elif isinstance(value, str) and re.fullmatch(FORMATS[seen], value) and not re.fullmatch(FORMATS[said], value):
                return True
        return False

    def undocumented_field(self, one, tokens):
        nodes, name = self.find(tokens[:-2]), tokens[-1]
        for _, parts, value in self.of_place(one, tokens, nodes):
            if isinstance(value, dict) and name in value:
                is_named = any(name in (part.get("properties") or {}) or name in self.always(part) for part in parts)
                is_open = any(part.get("additionalProperties") not in (None, False) for part in parts)
                if not is_named and not is_open:
                    return True
        return False

    def missing_field(self, one, tokens):
        nodes, name = self.find(tokens[:-2]), tokens[-1]
        for schemas, parts, value in self.of_place(one, tokens, nodes):
            if isinstance(value, dict) and name not in value and all(name in self.always(schema) for schema in schemas):
                word = "readOnly" if one["side"] == "request" else "writeOnly"
                told = [self.deref((part.get("properties") or {}).get(name)) or {} for part in parts]
                if not any(part.get(word) for part in told) and not any(self.is_valid(schema, value) for schema in schemas):
                    return True
        return False

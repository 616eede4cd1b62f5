"""Scenario files rebuilt by calling the package's own words: what a person would write in Python, made from what stands in YAML."""
import re

import yaml

import badorigin as bo


class Words(yaml.BaseLoader):
    """All as text, but for what is said in base64."""


Words.add_constructor("tag:yaml.org,2002:binary", yaml.constructor.SafeConstructor.construct_yaml_binary)

NUMBERS = {"status", "statuses", "fetches", "attempts", "requests", "count", "at_most", "size", "seed", "after", "piece", "stop_after", "repeat",
           "descriptors_grow", "resident_grow", "interim"}
UNITS = {"": 1, "B": 1, "kB": 1000, "KiB": 1 << 10, "MB": 1000_000, "MiB": 1 << 20}
FLAGS = {"stale", "complete", "answered", "closed", "reused_at_origin", "reused", "own_fetch", "validates", "close", "chunked", "keep_open", "wait", "cache", "age"}
YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def number(text):
    """A count or a size; other words stand."""
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    return int(match[1]) * UNITS[match[2]] if match and match[2] in UNITS else text


def value(key, given):
    if isinstance(given, dict):
        return {name: value(name, item) for name, item in given.items()}
    if isinstance(given, list):
        return [value(key, item) for item in given]
    if key in NUMBERS:
        return number(given)
    return YES_NO.get(given, given) if key in FLAGS else given


def words(given):
    """The words of a reply, a request or an expectation, made by the package's functions where it has some."""
    out = {}
    for key, item in given.items():
        if key == "body" and isinstance(item, dict):
            out[key] = bo.body(**value(key, item))
        elif key in ("expect", "premise"):
            out[key] = expectation(item)
        elif key == "fault":
            (name, arguments), = (item if isinstance(item, dict) else {item: {}}).items()
            make = getattr(bo.faults, name.replace("-", "_"))
            out[key] = make(**{"for_" if k == "for" else k: value(k, v) for k, v in (arguments or {}).items()})
        elif key == "fields":
            out[key] = dict(item) if isinstance(item, dict) else [(name, text) for line in item for name, text in pair(line)]
        else:
            out[key] = value(key, item)
    return out


def pair(line):
    return line.items() if isinstance(line, dict) else [tuple(line)]


def expectation(given):
    out = words(given)
    for key in ("fields", "fields_at_origin", "trailers", "trailers_at_origin"):
        if key in out:
            out[key] = {name: False if text == "absent" else text for name, text in dict(out[key]).items()}
    if out.get("age") in ("present", "absent"):
        out["age"] = out["age"] == "present"
    return bo.expect(**out)


def script(of, document, scenario):
    """Origins, rules and head."""
    for name, routes in document.get("origins", {}).items():
        origin = of.origin(name)
        for pattern, replies in routes.items():
            if pattern == "listen":
                origin.listen(replies)
            elif isinstance(replies, dict):
                origin.on(pattern).reply(**words(replies))
            else:
                route = origin.on(pattern)
                for i, reply in enumerate(replies):
                    (route.then if i else route.reply)(**words(reply))
                if len(replies) == 1:
                    route._listed = True
    for rule, reason in document.get("rules_off", {}).items():
        scenario.rules.off(rule, reason=reason)
    expected = document.get("expect", {})
    for name, wanted in expected.get("origins", {}).items():
        origin, _, target = name.partition(" ")
        scenario.expect_origin(origin, target=target or None, **value(name, wanted))
    where = expected.get("where", [])
    for one in where if isinstance(where, list) else [where]:
        one = {"query": one} if isinstance(one, str) else one
        scenario.where(**{key: YES_NO[v] if key == "premise" else int(v) if key in ("count", "at_least", "at_most") else v for key, v in one.items()})
    for name, wanted in expected.get("probes", {}).items():
        scenario.expect_probes(*name.split(), **{key: int(v) for key, v in wanted.items()})
    vitals = expected.get("vitals", [])
    for one in vitals if isinstance(vitals, list) else [vitals]:
        scenario.expect_vitals(**{"from_" if key == "from" else key: float(v) if key == "cpu_share" else value(key, v) for key, v in one.items()})


def perform(on, document):
    """Steps, on a Scenario or a Stage; on a stage each is performed at once."""
    for step in document["steps"]:
        step = dict(step)
        when = {key: step.pop(key) for key in ("at", "name") if key in step}
        if "together" in step:
            clients = [bo.request(**words(one)) for one in step.pop("together")]
            on.together(*clients, **when, **step)
        elif "client" in step or "raw" in step:
            acts = step.pop("origin", None)
            made = words(step)
            done = on.step(made.pop("client", None), **when, **made, **({"origin": acts} if acts else {}))
            if done is not None:
                done.result()
        else:
            step.update(step.pop("origin", {}))
            step.update(step.pop("proxy", {}))
            if "await" in step:
                step["await_"] = step.pop("await")
            on.act(**when, **step)


def read(file):
    return yaml.load(file.read_text(), Loader=Words)


HEAD = ("policy", "proxies", "proxy_protocol", "promises", "real", "values", "covers", "sections", "clock", "not_for", "needs")


def head(document, keys):
    out = {key: document[key] for key in keys if key in document}
    for key in ("real", "proxy_protocol"):
        if isinstance(out.get(key), str):
            out[key] = YES_NO[out[key]]
    return out


def built(file, scenario_id):
    """The scenario of a file, built."""
    document = read(file)
    made = bo.Scenario(document["claim"], id=scenario_id, **head(document, HEAD))
    script(made, document, made)
    perform(made, document)
    return made


def staged(file, scenario_id, **settings):
    """The scenario of a file, performed step by step on a stage; judged."""
    document = read(file)
    with bo.Stage("bundled", claim=document["claim"], id=scenario_id, **settings) as stage:
        stage.proxy(**head(document, ("policy", "proxies", "proxy_protocol", "promises", "real", "values", "clock")))
        script(stage, document, stage.scenario)
        perform(stage, document)
        return stage.judge(check=False)

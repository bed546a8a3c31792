"""What the kernel of every node should hold because of the API's objects, and how it differs.

Computed from the objects alone, with nothing of hoplab's own code, so that a shared mistake shows.
"""

import base64
import hashlib
import ipaddress
import os
import re

import scenario

NODES = ("k8s-m", "k8s-w0", "k8s-w1", "k8s-w2")
_LOOK = "; echo @; ".join(("ip route", "ip -o link", "iptables-save -t nat",
                          "ip -o -4 addr show dev tunl0", "readlink /proc/self/ns/net"))


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")[:-1]
    except OSError:
        return []  # it ended


def cali_name(pod):
    meta = pod["metadata"]
    text = f"{meta['namespace']}.{meta['name']}"
    return "cali" + hashlib.sha1(text.encode()).hexdigest()[:11]


def _chain(prefix, *parts):
    digest = hashlib.sha256("".join(parts).encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:16]


def service_chains(services, endpoints):
    """The KUBE-SVC-… and KUBE-SEP-… chains that these objects ask for."""
    chains = set()
    by_name = {(e["metadata"]["namespace"], e["metadata"]["name"]): e for e in endpoints}
    for service in services:
        meta = service["metadata"]
        subsets = by_name.get((meta["namespace"], meta["name"]), {}).get("subsets", [])
        for port in service["spec"]["ports"]:
            name = f"{meta['namespace']}/{meta['name']}"
            name += f":{port['name']}" if port.get("name") else ""
            protocol = port["protocol"].lower()
            backends = [f"{address['ip']}:{p['port']}" for s in subsets
                        for address in s.get("addresses", []) for p in s["ports"]
                        if p.get("name", "") == port.get("name", "")]
            if backends:
                chains.add(_chain("KUBE-SVC-", name, protocol))
            chains |= {_chain("KUBE-SEP-", name, protocol, backend) for backend in backends}
    return chains


def _compare(where, what, found, wanted):
    out = [f"{where}: {what} {x} is left over" for x in sorted(found - wanted)]
    return out + [f"{where}: {what} {x} is missing" for x in sorted(wanted - found)]


class _Api:
    def __init__(self, client):
        self.pods = client.list("pods")
        self.services = client.list("services")
        self.endpoints = client.list("endpoints")
        self.blocks = client.list("ipamblocks")
        self.handles = client.list("ipamhandles")
        self.deployments = client.list("deployments")
        self.replicasets = client.list("replicasets")
        self.nodes = client.list("nodes")

    def wired(self, node=None):
        """The pods with a network of their own."""
        return [pod for pod in self.pods if not pod["spec"].get("hostNetwork")
                and node in (None, pod["spec"].get("nodeName"))]

    def tunnel_addresses(self):
        return {handle.removeprefix("ipip-tunnel-addr-"): address
                for address, handle in _allocated(self.blocks)
                if handle.startswith("ipip-tunnel-addr-")}


def _allocated(blocks):
    for block in blocks:
        first = ipaddress.ip_network(block["spec"]["cidr"])[0]
        for number, attribute in enumerate(block["spec"]["allocations"]):
            if attribute is not None:
                yield (str(first + number),
                       block["spec"]["attributes"][attribute]["handle_id"])


def differences(cluster, client):
    """One line for each thing that is not as the objects say; empty when all is settled."""
    api = _Api(client)
    out = _object_differences(api) + _ipam_differences(api)
    inits = _node_inits(cluster)
    for node in NODES:
        shown = cluster.shell(node, "sh", "-c", _LOOK, check=False)
        parts = shown.stdout.split("@\n")
        if len(parts) != 5:
            out.append(f"{node}: cannot be looked at: {shown.stderr}")
            continue
        out += _kernel_differences(api, node, *parts[:4])
        out += _process_differences(api, node, inits[parts[4].strip()])
    return out


def _object_differences(api):
    out = []
    for pod in api.pods:
        name = f"pod {pod['metadata']['name']} on {pod['spec'].get('nodeName')}"
        states = pod["status"].get("containerStatuses", [])
        if pod["metadata"].get("deletionTimestamp"):
            out.append(f"{name} is still terminating")
        elif pod["status"].get("phase") != "Running" or not all(s["ready"] for s in states):
            out.append(f"{name}: {pod['status'].get('phase')} {[s['state'] for s in states]}")
    for node in api.nodes:
        ready = [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"]
        if ready != ["True"]:
            out.append(f"node {node['metadata']['name']}: Ready {ready}")
    for deployment in api.deployments:
        uid, wanted = deployment["metadata"]["uid"], deployment["spec"]["replicas"]
        sets = {r["metadata"]["uid"] for r in api.replicasets if _owner(r) == uid}
        have = sum(_owner(pod) in sets for pod in api.pods)
        shown = deployment["status"].get("readyReplicas", 0)
        if (have, shown) != (wanted, wanted):
            out.append(f"deployment {deployment['metadata']['name']}: {have} pods, status says "
                       f"{shown}, wanted {wanted}")
    known = {d["metadata"]["uid"] for d in api.deployments + api.replicasets}
    out += [f"{o['metadata']['name']} has lost its owner" for o in api.replicasets + api.wired()
            if _owner(o) and _owner(o) not in known]
    return out + _endpoint_differences(api)


def _owner(entry):
    owners = entry["metadata"].get("ownerReferences")
    return owners[0]["uid"] if owners else None


def _endpoint_differences(api):
    found = {e["metadata"]["name"]: {a["ip"] for s in e.get("subsets", [])
                                     for a in s.get("addresses", [])} for e in api.endpoints}
    wanted = {}
    for service in api.services:
        selector = service["spec"].get("selector")
        if selector:
            wanted[service["metadata"]["name"]] = {
                pod["status"].get("podIP") for pod in api.wired()
                if selector.items() <= pod["metadata"].get("labels", {}).items()}
    found.pop("kubernetes", None)
    out = _compare("endpoints", "object", set(found), set(wanted))
    for name in found.keys() & wanted.keys():
        out += _compare(f"endpoints {name}", "address", found[name],
                        {str(address) for address in wanted[name]})
    return out


def _ipam_differences(api):
    pods = [pod["status"].get("podIP", "none") for pod in api.wired()]
    tunnels = api.tunnel_addresses()
    out = [f"{address} has been given to {pods.count(address)} pods" for address in set(pods)
           if pods.count(address) > 1]
    out += _compare("IPAM", "tunnel address of", set(tunnels), set(NODES))
    allocated = list(_allocated(api.blocks))
    out += _compare("IPAM", "address", {address for address, _ in allocated},
                    set(pods) | set(tunnels.values()))
    counts = {}
    for address, handle in allocated:
        counts[handle] = counts.get(handle, 0) + 1
    handles = {h["spec"]["handleID"]: sum(h["spec"]["block"].values()) for h in api.handles}
    return out + _compare("IPAM", "handle (with its count)", set(handles.items()),
                          set(counts.items()))


def _kernel_differences(api, node, routes, links, nat, tunnel):
    pods = api.wired(node)
    wanted = {f"{pod['status'].get('podIP')} dev {cali_name(pod)} scope link" for pod in pods}
    for block in api.blocks:
        owner = block["spec"]["affinity"].removeprefix("host:")
        gateway = {n["metadata"]["name"]: n["status"]["addresses"][0]["address"]
                   for n in api.nodes}[owner]
        wanted.add(f"blackhole {block['spec']['cidr']} proto bird" if owner == node else
                   f"{block['spec']['cidr']} via {gateway} dev tunl0 proto bird onlink")
    found = {line.strip() for line in routes.splitlines() if re.search(r"bird|cali|tunl0", line)}
    out = _compare(node, "route", found, wanted)
    out += _compare(node, "interface", set(re.findall(r"^\d+: (cali\w+)@", links, re.M)),
                    {cali_name(pod) for pod in pods})
    chains = set(re.findall(r"^:(KUBE-(?:SVC|SEP)-\w+)", nat, re.M))
    out += _compare(node, "chain", chains, service_chains(api.services, api.endpoints))
    out += _compare(node, "service rule", set(re.findall(r"-j (KUBE-SVC-\w+)", nat)),
                    {chain for chain in chains if "SVC" in chain})
    address = api.tunnel_addresses().get(node, "none")
    return out + _compare(node, "tunnel address",
                          set(re.findall(r"inet ([0-9.]+)", tunnel)), {address})


def _node_inits(cluster):
    """{network namespace: pid} of pid 1 of every host."""
    return {os.readlink(f"/proc/{pid}/ns/net"): pid
            for pid in scenario.children(cluster.state()["pid"])[1:]
            if command(pid)[1:2] == ["node-init"]}


def _process_differences(api, node, init):
    """Network namespaces, pause processes and containers: exactly those of the pods."""
    inside = scenario.children(init)
    commands = [" ".join(command(pid)) for pid in inside]
    on_node = [pod for pod in api.pods if pod["spec"].get("nodeName") == node]
    images = [c["image"] for pod in on_node for c in pod["spec"]["containers"]]
    namespaces = set()
    for pid in inside:
        try:
            namespaces.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            pass  # it ended
    wanted = {"network namespaces": (len(namespaces), 1 + len(api.wired(node))),
              "pause": (commands.count("/pause"), len(on_node) + images.count("pause")),
              "whoami": (commands.count("/whoami"), images.count("traefik/whoami"))}
    for role in ("agent", "tunnel", "calico-node", "kube-proxy"):
        found = sum(f"hoplab {role} " in words + " " for words in commands)
        wanted[role] = (found, 1)
    return [f"{node}: {have} x {what}, wanted {want}" for what, (have, want) in wanted.items()
            if have != want]


def restarted_pods(client):
    """Pods whose containers ended though nobody killed them."""
    return [pod["metadata"]["name"] for pod in client.list("pods", "default")
            for status in pod["status"]["containerStatuses"] if status["restartCount"] > 0]

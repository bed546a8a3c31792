"""Command lines for hoplab_kubectl_test.py: each is given to the real kubectl and to ours, and both must print
the same and end with the same exit code. One command line a line, in shell words. None changes anything."""

FILES = {
    "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: filed, labels: {app: filed}}\n"
                "spec: {containers: [{name: c, image: nginx}]}\n",
    "two.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n---\n"
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
    "web.json": '{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},'
                ' "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": '
                '{"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}}}',
    "list.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: in-list}\n"
                 "- apiVersion: v1\n  kind: Secret\n  metadata: {name: in-list}\n  stringData: {a: b}\n",
    "half.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n---\napiVersion: v1\nkind: Widget\n"
                 "metadata: {name: bad}\n",
    "third-too-late.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: before}\n---\napiVersion: v1\n"
                           "metadata: {name: kindless}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\n",
    "no-kind.yaml": "metadata: {name: x}\n",
    "no-version.yaml": "kind: Pod\nmetadata: {name: x}\n",
    "no-name.yaml": "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n",
    "text.yaml": "hello\n",
    "empty.yaml": "",
    "comment.yaml": "# nothing\n---\n",
    "invalid.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}, {port: 99999}]}\n",
    "elsewhere.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: elsewhere}\n",
    "no-namespace.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: there-is-none}\n",
    "folder/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    "folder/a.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}',
    "folder/read.me": "not a manifest",
    "folder/deep/c.yml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    "nothing/read.me": "not a manifest",
    "template.txt": "{.metadata.name}",
    "columns.txt": "NAME          PHASE\nmetadata.name status.phase\n",
}

LINES = r"""
annotate
annotate pod
annotate pod rich
annotate pod rich a
annotate pod rich note=other
annotate pod rich note=hello
annotate pod rich nix-
annotate pod rich a=b a-
annotate pod rich a=b --dry-run=client
annotate pod nix a=b
annotate pod rich 'a b=c'
annotate pod rich =c
annotate pods a=b
delete pod
delete pods
delete foo bar
delete pod nix
delete pod nix nix2
delete pod/nix svc/nix
delete pod nix -l app=x
delete pod/nix -l app=x
delete pod nix --all
delete pod nix --now --grace-period=5
delete pod nix --grace-period=x
delete pod nix --force --grace-period=5
delete pod nix --timeout=x
delete pod nix --ignore-not-found
delete foo nix --ignore-not-found
delete pods -l app=nix
delete pods -l app=nix --ignore-not-found
delete -f nix.yaml
delete -f two.yaml
delete -f two.yaml --ignore-not-found
delete -f pod.yaml pods
delete pod rich --dry-run=client
delete pod rich --dry-run=client -o name
rollout status
rollout status deploy/web --watch=false
rollout status deploy/nix
rollout status pod/rich
rollout status foo/bar
rollout status deploy/web --timeout=x
rollout status deploy/web --revision=9
rollout history
rollout history deploy/web
rollout history deploy/nix
rollout history deploy web
rollout history deploy
rollout history pod/rich
rollout history deploy/web --revision=9
rollout undo
rollout undo deploy/web
rollout undo deploy/nix
rollout undo deploy/web --to-revision=9
rollout undo pod/rich
rollout undo deploy/web --dry-run=nix
rollout restart
rollout restart deploy/nix
rollout restart pod/rich
rollout restart svc/web
scale
scale deploy/web
scale deploy/web --replicas=x
scale deploy/web --replicas=-1
scale deploy/web --replicas=2 --current-replicas=x
scale --replicas=2
scale deploy --replicas=2
scale deploy/nix --replicas=2
scale pod/rich --replicas=2
scale cm/conf --replicas=2
scale foo/bar --replicas=2
scale deploy/web deploy/nix --replicas=2
scale deploy/web --replicas=2 --current-replicas=9
scale -f nix.yaml --replicas=1
scale deploy --all -l a=b --replicas=1
label pod
label pod rich
label pod rich a
label pod rich app=other
label pod rich a=b a-
label pod rich =b
label pod rich a_=b
label pod rich a=b=c
label pod rich a=_
label pod rich 'a=b c'
label pod rich nix-
label pod nix a=b
label pod nix rich app=rich
label pod rich a=b pod
label pods a=b
label pods --all -l a=b a=b
label pod rich svc/web --list
label pod/rich svc/web --list
label pods --list
label pod rich a=b --dry-run=client -o name
label pod rich app=rich --dry-run=client
label pod rich app=rich
label pod rich a=b --dry-run=nix
label pod rich a=b --resource-version=1
label pods -l app=nix a=b
label pod rich --overwrite
delete pods --all -l app=x
delete pod nix --cascade=nix
scale deploy/web --replicas=7 --dry-run=client
get pods -l 'app in'
get pods -l 'a b'
get pods --field-selector nonsense
get pod nix nix2 -o json
get pods -o 'jsonpath={.items[*].nix}'
get pod rich -o 'jsonpath={.spec.containers[0,1].name}'
get pod rich -o "jsonpath={['metadata.name', 'status.phase']}"
get pod rich -o "jsonpath={.metadata['name','namespace']}"
get pod rich -o 'jsonpath={range .spec}'
get pod rich -o 'jsonpath={.a[}'
get pod rich -o 'jsonpath='
get pod rich -o jsonpath-as-json={.metadata.labels}
get pod rich -o jsonpath-file=template.txt
get pod rich -o jsonpath-file=nix.txt
get pod rich --template={{.metadata.name}}
get pods -o 'go-template={{len .items}}'
get pod rich -o 'go-template={{if .nix}}yes{{else}}no{{end}}'
get pod rich -o 'go-template={{.nix}}'
get pod rich -o 'go-template={{range $k, $v := .metadata.labels}}{{$k}}={{$v}};{{end}}'
get pod rich -o 'go-template={{(index .spec.containers 0).image}}'
get pod rich -o 'go-template={{.metadata.name'
get pods -o custom-columns=NAME:
get pods -o custom-columns-file=columns.txt
get pods -o custom-columns-file=nix.txt
get pods -o JSON
get pod/rich svc
get pods,svc/web
get ''
get pods --ignore-not-found
get pod nix rich --ignore-not-found
get pods,svc -w
describe sa default
describe pod rich nix
describe pod/rich svc/nix
describe svc,deploy web
describe pods -l 'a b'
describe pod pod/rich
label -f pod.yaml a=b
rollout history deploy/web --revision=1
label pods -l app=rich --list
annotate pod/rich svc/web --list
label pod rich a=b --dry-run=client
get -f pod.yaml
get -f pod.yaml -o name
get -f nix.yaml
get -f two.yaml
get -f pod.yaml pods
get -f pod.yaml -l app=x
get -f nothing
get -f folder
get -f two.yaml --ignore-not-found
logs rich c d
logs rich c -c d
logs pod/nix
logs deploy/nix
logs foo/bar
logs -l app=nix rich
logs rich --tail=x
logs rich --tail=-5 -c c
logs rich --since=x
logs rich --since=-1s
logs rich --since=1s --since-time=2026-01-01T00:00:00Z
logs rich --limit-bytes=-1
logs --all-containers nix
logs rich --all-containers -c c
logs svc/nix
exec nix -- true
exec rich --
exec pod/nix -- true
exec deploy/nix -- true
exec foo/bar -- true
exec rich -c nix -- true
exec rich -c nix true
exec -it
exec a b
exec a/b/c -- x
attach
attach nix
attach pod/nix
attach a b c
attach deploy/nix
attach rich -c nix
attach foo/bar
apply
apply -f nix.yaml
apply -f no-kind.yaml
apply -f no-version.yaml
apply -f no-name.yaml
apply -f text.yaml
apply -f empty.yaml
apply -f comment.yaml
apply -f nothing
apply -f pod.yaml extra
apply -f pod.yaml --dry-run=nix
apply -f pod.yaml --dry-run=client
apply -f pod.yaml --dry-run=client -o name
apply -f pod.yaml --dry-run=client -o yaml
apply -f two.yaml --dry-run=client -o name
apply -f pod.yaml --dry-run=client -o foo
apply -f list.yaml --dry-run=client
apply -f elsewhere.yaml
apply -f no-namespace.yaml
apply -f folder --dry-run=client
apply -f folder -R --dry-run=client
apply -f folder -f pod.yaml --dry-run=client
apply -f folder,pod.yaml --dry-run=client
apply -f pod.yaml -f nix.yaml
apply -f half.yaml --dry-run=client
apply -f third-too-late.yaml --dry-run=client
apply -f invalid.yaml
apply -f pod.yaml --validate=maybe
apply -f web.json --dry-run=client
create -f nix.yaml
create -f pod.yaml --dry-run=client
create -f pod.yaml --dry-run=client -o name
create -f pod.yaml --dry-run=client -o yaml
create -f two.yaml --dry-run=client
create -f two.yaml --dry-run=client -o json
create -f list.yaml --dry-run=client -o name
create -f half.yaml --dry-run=client
create -f third-too-late.yaml --dry-run=client
create -f no-name.yaml
create -f elsewhere.yaml
create -f no-namespace.yaml
create -f invalid.yaml
create -f empty.yaml
create -f folder --dry-run=client
create -f pod.yaml --dry-run=nix
create -f pod.yaml extra
create ns
create ns a b
create ns default
create ns a --dry-run=client
create ns Not_Valid
replace
replace -f nix.yaml
replace -f pod.yaml
replace -f pod.yaml --dry-run=client
wait
wait pod/rich
wait pod/rich --for=nix
wait pod/rich --for=condition=nix --timeout=10ms
wait pod/nix --for=condition=Ready --timeout=10ms
wait pod/nix --for=delete --timeout=10ms
wait pods --for=condition=Ready --timeout=10ms
wait pods -l app=nix --for=condition=Ready --timeout=10ms
wait pods --all -l app=nix --for=condition=Ready
wait foo/bar --for=delete
wait --for=condition=Ready
wait pod/rich --for=condition=Ready --timeout=x
wait pod/rich --for=delete --timeout=10ms
api-resources -o wide
api-resources -o json
api-resources --no-headers
api-resources --namespaced=false
api-resources --namespaced=true -o name
api-resources --namespaced=x
api-resources --api-group=apps
api-resources --api-group=
api-resources --api-group=nix
api-resources --sort-by=name
api-resources --sort-by=kind
api-resources --sort-by=nix
api-resources --verbs=list,get -o name
api-resources --verbs=nix
api-resources --categories=all
api-resources foo
api-versions foo
config view --minify
config view -o jsonpath={.clusters[0].name}
config get-contexts -o name
config get-contexts nix
config get-clusters
config get-users
config view foo
"""

"""Command lines for hoplab_kubectl_test.py: each is given to the real kubectl and to ours, and both must print
the same and end with the same exit code. One command line a line, in shell words. None changes anything."""

FILES = {
    'pod.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: filed, labels: {app: filed}}\nspec: {containers: [{name: c, image: nginx}]}\n',
    'two.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n',
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
"""

// Deprecated: use example.com/demo/v3.
module example.com/demo/v2 // the path carries its major version

go 1.22.3

toolchain go1.22.5

godebug default=go1.21

require github.com/docker/docker v20.10.17+incompatible

require (
	github.com/pkg/errors v0.9.1
	"github.com/spf13/cobra" v1.6.1
	gopkg.in/yaml.v3 v3.0.1 // indirect; told by cobra
	golang.org/x/net v0.0.0-20220722155237-a158d28d115b // indirect
	github.com/go-redis/redis/v8 v8.11.5
	example.com/local v0.0.0
)

replace github.com/pkg/errors => github.com/our/errors v0.9.2

replace (
	example.com/local => ./local
	github.com/spf13/cobra v1.6.1 => github.com/spf13/cobra v1.7.0
	golang.org/x/net v0.1.0 => golang.org/x/net v0.2.0 // of a version that is not required
)

exclude golang.org/x/crypto v0.0.0-20190308221718-c2843e01d9a2

retract [v2.0.0, v2.0.3] // published by mistake

tool golang.org/x/tools/cmd/stringer

// Package configs is what an operator decides: the Config, its defaults, and the strict way from a
// YAML file and the environment to it.
//
// In flow a file and the environment (Load); out flow a Config that is whole and valid, or every error
// at once, each with key, value and remedy. The package also keeps what the operator did not give: the
// secrets of the first start, and the demo's configuration and world, which are embedded. It imports no
// other package of the project; cmd translates a Config into each part's own options.
package configs

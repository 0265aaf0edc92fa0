// Command nat puts people behind NATs and looks whether they hear each other: network namespaces stand for the
// hosts, their NATs and the network between, `atrium serve` runs on one host and a `bench join` on each of the
// others. It needs root, ip and nft, and leaves nothing behind. What comes out is a table: per combination of NATs
// which topology the zone settled in, which candidates carried, and how long it took until everyone heard everyone.
//
// The same case within one process, on Pion's virtual network, is this package's TestVirtualNetwork.
package main

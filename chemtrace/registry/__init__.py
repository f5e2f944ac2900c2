"""The registry: enterprises, sites, licences, keys, devices and issued codes, as a pure fold over the log."""

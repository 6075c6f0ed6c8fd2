# network: the cheapest way out: a copy may lose it for some minutes
module "network" {
  source      = "../modules/network"
  name        = "shop-staging-network"
  region      = local.region
  log_key_arn = module.keys.log_key_arn
  nat         = "instance"
}

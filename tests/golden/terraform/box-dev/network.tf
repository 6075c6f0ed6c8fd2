# network: one public subnet: there is nothing to hide behind
module "network" {
  source      = "../modules/network"
  name        = "shop-dev-network"
  region      = local.region
  log_key_arn = module.keys.log_key_arn
  zones       = 1
  tiers       = ["public"]
  nat         = "none"
}

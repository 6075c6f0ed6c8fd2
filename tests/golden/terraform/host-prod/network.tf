# network: nothing of the workload talks to a host outside: AWS is reached by endpoints
module "network" {
  source              = "../modules/network"
  name                = "shop-prod-network"
  region              = local.region
  log_key_arn         = module.keys.log_key_arn
  zones               = 3
  nat                 = "none"
  interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "sqs", "secretsmanager"]
  flow_log_days       = 365
}

# What is watched and who is told: the runbook of an alarm has the name of its kind
module "watch" {
  source       = "../modules/watch"
  name         = "shop-dev"
  account_id   = local.account_id
  region       = local.region
  key_arn      = module.keys.log_key_arn
  emails       = ["oncall@example.com"]
  runbooks_url = local.runbooks_url
  monthly_usd  = 500
  cost_tags    = { Workload = "shop", Environment = "dev" }
  alarms = {
    box = { of = { InstanceId = module.box.instance_id, Workload = module.box.name }, limits = { host-unreachable = 0, host-cpu-high = 80, host-disk-full = 70, host-memory-high = 90, backup-missing = 1 } }
  }
}

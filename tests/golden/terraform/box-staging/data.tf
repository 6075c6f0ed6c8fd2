# keys: one key for data, one for logs and topics
module "keys" {
  source     = "../modules/keys"
  name       = "shop-staging-keys"
  account_id = local.account_id
  region     = local.region
}

# What people set, and nothing here knows the value of (workload.py:5, workload.py:10, workload.py:11)
module "secrets" {
  source        = "../modules/secrets"
  name          = "shop-staging"
  key_arn       = module.keys.data_key_arn
  secrets       = { release = {}, session-key = { rotate_days = 90 }, admin-key = { rotate_days = 90 } }
  topic_arn     = module.watch.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# backups: what is left when the machine is lost
module "backups" {
  source      = "../modules/bucket"
  name        = "shop-staging-backups"
  account_id  = local.account_id
  purpose     = "backups"
  key_arn     = module.keys.data_key_arn
  expire_days = 7
}

# keys: one key for data, one for logs and topics
module "keys" {
  source     = "../modules/keys"
  name       = "shop-staging-keys"
  account_id = local.account_id
  region     = local.region
}

# release: which image the machines run: the pipeline writes it
module "release" {
  source  = "../modules/secret"
  name    = "shop-staging-release"
  key_arn = module.keys.data_key_arn
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

# session-key is set by a person (workload.py:10)
module "session_key" {
  source        = "../modules/secret"
  name          = "shop-staging-session-key"
  key_arn       = module.keys.data_key_arn
  rotation      = "person"
  rotate_days   = 90
  topic_arn     = module.alarms.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# admin-key is set by a person (workload.py:11)
module "admin_key" {
  source        = "../modules/secret"
  name          = "shop-staging-admin-key"
  key_arn       = module.keys.data_key_arn
  rotation      = "person"
  rotate_days   = 90
  topic_arn     = module.alarms.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

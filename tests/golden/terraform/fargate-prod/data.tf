# keys: one key for data, one for logs and topics
module "keys" {
  source     = "../modules/keys"
  name       = "shop-prod-keys"
  account_id = local.account_id
  region     = local.region
}

# db is PostgreSQL on Aurora Serverless v2: 2 to 16 ACU for the peak and its tasks (workload.py:7)
module "db" {
  source      = "../modules/aurora_cluster"
  name        = "shop-prod-db"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.isolated_subnet_ids
  key_arn     = module.keys.data_key_arn
  log_key_arn = module.keys.log_key_arn
  database    = "shop"
  min_acu     = 2
  max_acu     = 16
  readers     = 1
}

# Who reaches db as which role, and what it may do there: generated once, and no file knows them
module "db_logins" {
  source   = "../modules/logins"
  name     = "shop-prod-db"
  key_arn  = module.keys.data_key_arn
  database = module.db
  logins = {
    api                 = { username = "shop_api", rows = "all", queue = true }                 # workload.py:13
    fulfil              = { username = "shop_fulfil", rows = "all", queue = true }              # workload.py:16
    expire-carts        = { username = "shop_expire_carts", rows = "all", queue = false }       # workload.py:24
    expire-reservations = { username = "shop_expire_reservations", rows = "all", queue = true } # workload.py:25
    seed                = { username = "shop_seed", rows = "all", queue = false }               # workload.py:32
  }
}

# cache is a cache: a primary and a copy in another zone (workload.py:8)
module "cache" {
  source      = "../modules/cache_group"
  name        = "shop-prod-cache"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.isolated_subnet_ids
  key_arn     = module.keys.data_key_arn
  log_key_arn = module.keys.log_key_arn
  nodes       = 2
}

# What people set, and nothing here knows the value of (workload.py:10, workload.py:11)
module "secrets" {
  source        = "../modules/secrets"
  name          = "shop-prod"
  key_arn       = module.keys.data_key_arn
  secrets       = { session-key = { rotate_days = 90 }, admin-key = { rotate_days = 90 } }
  topic_arn     = module.watch.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# logs: access logs of the load balancer, the distribution and the buckets
module "logs" {
  source             = "../modules/bucket"
  name               = "shop-prod-logs"
  account_id         = local.account_id
  purpose            = "logs"
  versioned          = false
  expire_days        = 90
  allow_acl_delivery = true
}

# backup: a copy beyond the database's own, and a restore that is tried
module "backup" {
  source        = "../modules/backup_plan"
  name          = "shop-prod-backup"
  resource_arns = [module.db.arn]
  key_arn       = module.keys.data_key_arn
  topic_arn     = module.watch.topic_arn
  restore_types = {
    Aurora = { dbSubnetGroupName = "shop-prod-db", vpcSecurityGroupIds = jsonencode([module.db.security_group_id]) }
  }
}

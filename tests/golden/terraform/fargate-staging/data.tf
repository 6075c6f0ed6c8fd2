# keys: one key for data, one for logs and topics
module "keys" {
  source     = "../modules/keys"
  name       = "shop-staging-keys"
  account_id = local.account_id
  region     = local.region
}

# db is PostgreSQL on Aurora Serverless v2: 0.5 to 1 ACU for the peak and its tasks (workload.py:7)
module "db" {
  source      = "../modules/aurora_cluster"
  name        = "shop-staging-db"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.isolated_subnet_ids
  key_arn     = module.keys.data_key_arn
  log_key_arn = module.keys.log_key_arn
  database    = "shop"
  max_acu     = 1
  protected   = false
}

# Who reaches db as which role, and what it may do there: generated once, and no file knows them
module "db_logins" {
  source   = "../modules/logins"
  name     = "shop-staging-db"
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

# cache is a cache: one node: what it holds may be lost (workload.py:8)
module "cache" {
  source      = "../modules/cache_group"
  name        = "shop-staging-cache"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.isolated_subnet_ids
  key_arn     = module.keys.data_key_arn
  log_key_arn = module.keys.log_key_arn
}

# What people set, and nothing here knows the value of (workload.py:10, workload.py:11)
module "secrets" {
  source        = "../modules/secrets"
  name          = "shop-staging"
  key_arn       = module.keys.data_key_arn
  secrets       = { session-key = { rotate_days = 90 }, admin-key = { rotate_days = 90 } }
  topic_arn     = module.watch.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# logs: access logs of the load balancer, the distribution and the buckets
module "logs" {
  source             = "../modules/bucket"
  name               = "shop-staging-logs"
  account_id         = local.account_id
  purpose            = "logs"
  versioned          = false
  expire_days        = 90
  allow_acl_delivery = true
}
